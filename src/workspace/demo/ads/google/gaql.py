"""Google's query language, the part that reports are written in: from a text to what it asks for.

```
SELECT field, … FROM resource [WHERE condition AND …] [ORDER BY field [ASC|DESC], …] [LIMIT n] [PARAMETERS …]
```
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NoReturn

from workspace.demo.ads.google.errors import query_error

COMPARISONS = ("=", "!=", "<=", ">=", "<", ">")
_KEYWORDS = {"SELECT", "FROM", "WHERE", "ORDER", "LIMIT", "PARAMETERS"}
_ESCAPES = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "t": "\t"}

Kind = Literal["word", "number", "string", "sign", "end"]


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a query."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Condition:
    """What a row must be like.

    Attributes:
        field: The field, such as `segments.date`.
        operator: Such as `=`, `NOT IN`, `BETWEEN`, `DURING`, `IS NULL`.
        values: What it is compared with, in order; each a string, a number or a bare word.
    """

    field: str
    operator: str
    values: tuple[Token, ...] = ()


@dataclass(frozen=True, slots=True)
class Ordering:
    """A field that rows are sorted by."""

    field: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Query:
    """What a query asks for."""

    select: tuple[str, ...]
    resource: str
    where: tuple[Condition, ...] = ()
    order: tuple[Ordering, ...] = ()
    limit: int | None = None


def parse(text: str) -> Query:
    """Read a query.

    Raises:
        FailureError: It is none; the error says what Google would.

    Examples:
        >>> parse("SELECT campaign.id FROM campaign WHERE campaign.status != 'REMOVED' LIMIT 5").limit
        5
    """
    return _Parser(tokens(text)).query()


def tokens(text: str) -> list[Token]:
    """Cut a query into its pieces.

    Raises:
        FailureError: Something in it is no piece of a query.
    """
    found: list[Token] = []
    at = 0
    while at < len(text):
        letter = text[at]
        if letter.isspace():
            at += 1
        elif letter in "'\"":
            token, at = _string(text, at)
            found.append(token)
        elif letter.isascii() and (letter.isalpha() or letter == "_"):
            at, word = _while(text, at, "._")
            found.append(Token("word", word))
        elif letter.isdecimal() or (letter == "-" and text[at + 1 : at + 2].isdecimal()):
            end, digits = _while(text, at + 1, ".")
            at = end
            found.append(_number(letter + digits))
        else:
            sign = next((s for s in (*COMPARISONS, ",", "(", ")") if text.startswith(s, at)), None)
            if sign is None:
                raise query_error("BAD_SYMBOL", f"Error in query: invalid symbol {letter}.")
            found.append(Token("sign", sign))
            at += len(sign)
    return [*found, Token("end", "end of query")]


def _while(text: str, at: int, more: str) -> tuple[int, str]:
    end = at
    while end < len(text) and text[end].isascii() and (text[end].isalnum() or text[end] in more):
        end += 1
    return end, text[at:end]


def _number(text: str) -> Token:
    whole, _, part = text.removeprefix("-").partition(".")
    if not whole.isdecimal() or (part and not part.isdecimal()) or text.endswith("."):
        raise query_error("BAD_NUMBER", f"Error in query: invalid number {text}.")
    return Token("number", text)


def _string(text: str, at: int) -> tuple[Token, int]:
    quote = text[at]
    letters: list[str] = []
    at += 1
    while at < len(text):
        letter = text[at]
        if letter == quote:
            return Token("string", "".join(letters)), at + 1
        if letter == "\n":
            raise query_error("PROHIBITED_NEWLINE_IN_STRING", "Error in query: a string contains a newline.")
        if letter == "\\":
            at += 1
            if text[at : at + 1] not in _ESCAPES or at >= len(text):
                raise query_error("BAD_ESCAPE_SEQUENCE", "Error in query: invalid escape sequence.")
            letter = _ESCAPES[text[at]]
        letters.append(letter)
        at += 1
    raise query_error("STRING_NOT_TERMINATED", "Error in query: string not terminated.")


class _Parser:
    """Reads pieces from left to right, one look ahead."""

    def __init__(self, pieces: list[Token]) -> None:
        self._pieces, self._at = pieces, 0

    def query(self) -> Query:
        if not self._take("SELECT"):
            raise query_error("EXPECTED_SELECT", "Error in query: expected SELECT.")
        select = [self._field()]
        while self._sign(","):
            select.append(self._field())
        if not self._take("FROM"):
            self._complain("EXPECTED_FROM", "expected FROM")
        resource = self._word("BAD_RESOURCE_TYPE_IN_FROM_CLAUSE")
        where = self._where()
        order = self._order()
        limit = self._limit()
        self._parameters()
        if self._next.kind != "end":
            self._unexpected()
        return Query(tuple(select), resource, where, order, limit)

    def _where(self) -> tuple[Condition, ...]:
        if not self._take("WHERE"):
            return ()
        found = [self._condition()]
        while self._take("AND"):
            found.append(self._condition())
        return tuple(found)

    def _condition(self) -> Condition:
        name = self._field()
        operator = self._operator()
        if operator.endswith("NULL"):
            return Condition(name, operator)
        if operator == "BETWEEN":
            low = self._value("EXPECTED_VALUE_WITH_BETWEEN_OPERATOR")
            if not self._take("AND"):
                raise query_error("EXPECTED_AND", "Error in query: expected AND between values with BETWEEN operator.")
            return Condition(name, operator, (low, self._value("EXPECTED_VALUE_WITH_BETWEEN_OPERATOR")))
        if operator in ("IN", "NOT IN"):
            return Condition(name, operator, self._list())
        if self._next == Token("sign", "("):
            raise query_error("EXPECTED_SINGLE_VALUE", f"Error in query: {operator} takes a single value.")
        return Condition(name, operator, (self._value(),))

    def _operator(self) -> str:
        for sign in COMPARISONS:
            if self._sign(sign):
                return sign
        if self._take("NOT"):
            for word in ("IN", "LIKE"):
                if self._take(word):
                    return f"NOT {word}"
        for word in ("IN", "LIKE", "BETWEEN", "DURING"):
            if self._take(word):
                return word
        if self._take("IS"):
            operator = "IS NOT NULL" if self._take("NOT") else "IS NULL"
            if self._take("NULL"):
                return operator
        return self._complain("BAD_OPERATOR", f"invalid operator {self._next.text}")

    def _list(self) -> tuple[Token, ...]:
        if not self._sign("("):
            self._complain("EXPECTED_LIST", "expected a list")
        if self._sign(")"):
            raise query_error("PROHIBITED_EMPTY_LIST_IN_CONDITION", "Error in query: a condition has an empty list.")
        found = [self._value()]
        while self._sign(","):
            found.append(self._value())
        if not self._sign(")"):
            self._unexpected()
        if len({value.kind for value in found}) > 1:
            raise query_error("PROHIBITED_VALUE_COMBINATION_IN_LIST", "Error in query: a list mixes types of values.")
        return tuple(found)

    def _value(self, code: str = "BAD_VALUE") -> Token:
        if self._next.kind not in ("string", "number", "word"):
            self._complain(code, f"invalid value {self._next.text}")
        return self._step()

    def _order(self) -> tuple[Ordering, ...]:
        if not self._take("ORDER"):
            return ()
        if not self._take("BY"):
            self._complain("EXPECTED_BY", "expected BY")
        found = [self._ordering()]
        while self._sign(","):
            found.append(self._ordering())
        return tuple(found)

    def _ordering(self) -> Ordering:
        name = self._field()
        descending = self._take("DESC")
        if not descending:
            self._take("ASC")
        return Ordering(name, descending)

    def _limit(self) -> int | None:
        if not self._take("LIMIT"):
            return None
        if self._next.kind != "number" or not self._next.text.removeprefix("-").isdecimal():
            self._complain("BAD_LIMIT_VALUE", f"invalid limit {self._next.text}")
        limit = int(self._step().text)
        if limit < 1:
            raise query_error("LIMIT_VALUE_TOO_LOW", "Error in query: the limit must be positive.")
        return limit

    def _parameters(self) -> None:
        if not self._take("PARAMETERS"):
            return
        while True:
            name = self._word("BAD_PARAMETER_NAME")
            if name != "include_drafts":
                raise query_error("BAD_PARAMETER_NAME", f"Error in query: unknown parameter {name}.")
            if not self._sign("=") or self._next.text not in ("true", "false"):
                self._complain("BAD_PARAMETER_VALUE", f"invalid value for parameter {name}")
            self._step()
            if not self._sign(","):
                return

    def _field(self) -> str:
        return self._word("BAD_FIELD_NAME")

    def _word(self, code: str) -> str:
        if self._next.kind != "word" or self._next.text.upper() in _KEYWORDS:
            self._complain(code, f"unexpected input {self._next.text}")
        return self._step().text

    @property
    def _next(self) -> Token:
        return self._pieces[self._at]

    def _step(self) -> Token:
        token = self._next
        self._at += 1
        return token

    def _take(self, keyword: str) -> bool:
        """Step over a keyword, if it is there."""
        found = self._next.kind == "word" and self._next.text.upper() == keyword
        self._at += found
        return found

    def _sign(self, sign: str) -> bool:
        found = self._next == Token("sign", sign)
        self._at += found
        return found

    def _unexpected(self) -> NoReturn:
        self._complain("UNEXPECTED_INPUT", f"unexpected input {self._next.text}")

    def _complain(self, code: str, message: str) -> NoReturn:
        if self._next.kind == "end":
            raise query_error("UNEXPECTED_END_OF_QUERY", "Error in query: unexpected end of query.")
        raise query_error(code, f"Error in query: {message}.")
