"""What people mean by a number that they typed as text, and when that cannot be told."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, localcontext

PLACES = 6
LARGEST = Decimal(10) ** 12  # what decimal(18, 6) holds
WHOLE = 2**63

# Who else writes the same sign: `$ 5` is an amount in any of its currencies.
_SIGNS = {
    "€": ("EUR",),
    "$": ("USD", "AUD", "CAD", "NZD", "SGD", "HKD", "MXN", "TWD"),
    "US$": ("USD",),
    "£": ("GBP",),
    "¥": ("JPY", "CNY"),
    "kr": ("SEK", "NOK", "DKK", "ISK"),
    "zł": ("PLN",),
    "kč": ("CZK",),
    "fr": ("CHF",),
    "sfr": ("CHF",),
    "₹": ("INR",),
    "₺": ("TRY",),
    "₽": ("RUB",),
    "₩": ("KRW",),
    "₪": ("ILS",),
    "₴": ("UAH",),
}
_CODE = re.compile(r"[A-Z]{3}")
_AROUND = re.compile(
    r"^(?P<before>[^\d.,+\-()]*)(?P<body>[\d.,+\-()][^%]*?)(?P<percent>\s*%)?(?P<after>[^\d.,+\-()%]*)$"
)
_DIGITS = re.compile(r"\d+")
_SPACES = dict.fromkeys(map(ord, "\u00a0\u202f\u2009\u2007\u2002\u2003\u3000\t"), " ")
_APOSTROPHES = dict.fromkeys(map(ord, "\u2019\u02bc`\u00b4"), "'")
_MINUS = dict.fromkeys(map(ord, "\u2212\u2013\u2012\uff0d"), "-")


class UnreadableError(ValueError):
    """A cell's content is not what its column holds; the message says why, after the content."""


def number(text: str, *, decimal: str = "", currency: str = "", percent: bool = True) -> Decimal:
    """Read a number as people write it.

    Grouping by full stops, commas, blanks or apostrophes and either decimal mark are told apart where only one reading
    is possible. `1.234` has two, so that `decimal` must say which is meant.

    Args:
        text: What was typed.
        decimal: The decimal mark where the text leaves it open: "," or "."; none if empty.
        currency: The code of the currency that amounts are in; none if empty.
        percent: Whether it may be a percentage.

    Raises:
        UnreadableError: It is no number, has two readings, or is of another currency.

    Examples:
        >>> number("1.234,56"), number("1,234.56"), number("12 500"), number("(3)"), number("12,5 %")
        (Decimal('1234.56'), Decimal('1234.56'), Decimal('12500'), Decimal('-3'), Decimal('0.125'))
        >>> number("€ 1.234", decimal=",", currency="EUR")
        Decimal('1234')
    """
    if any(unicodedata.category(each) == "No" for each in text):  # 5² is not 52
        raise UnreadableError("is not a number")
    plain = unicodedata.normalize("NFKC", text.translate(_MINUS)).translate(_SPACES | _APOSTROPHES | _MINUS).strip()
    outer, sign = _unsigned(plain)
    found = _AROUND.match(outer)
    if not found or not _DIGITS.search(found["body"]):
        raise UnreadableError("is not a number")
    for unit in (found["before"].strip(), found["after"].strip()):
        check_currency(unit, currency)
    if found["before"].strip() and found["after"].strip():
        raise UnreadableError("has a sign on both sides")
    body, inner = _unsigned(found["body"].strip())
    if sign and inner:
        raise UnreadableError("is not a number")
    value = Decimal(_plain(body, decimal))
    if found["percent"]:
        if not percent:
            raise UnreadableError("is a percentage, which this column does not hold")
        value = value.scaleb(-2)
    return -value if "-" in (sign, inner) else value


def check_currency(sign: str, currency: str) -> None:
    """Refuse a currency's sign or code other than that of the column.

    Raises:
        UnreadableError: It is another one, or the column has none.
    """
    if not sign:
        return
    codes = _codes(sign)
    if not codes:
        raise UnreadableError("is not a number")
    if not currency:
        raise UnreadableError(f"is an amount in {codes[0]}, and the column has no currency in workspace.toml")
    if currency not in codes:
        raise UnreadableError(f"is an amount in {codes[0]}, and the column is in {currency}")


def is_currency(sign: str) -> bool:
    """Tell whether a text is a currency's sign or code."""
    return bool(_codes(sign))


def _codes(sign: str) -> tuple[str, ...]:
    return _SIGNS.get(sign) or _SIGNS.get(sign.casefold()) or ((sign,) if _CODE.fullmatch(sign) else ())


def fitted(value: Decimal) -> Decimal:
    """Round to the places that the lake keeps.

    Raises:
        UnreadableError: It is too large.
    """
    if abs(value) >= LARGEST:
        raise UnreadableError("is too large for decimal(18, 6)")
    with localcontext() as context:
        context.prec = 60
        return value.quantize(Decimal(1).scaleb(-PLACES))


def whole(value: Decimal) -> int:
    """Give an integer.

    Raises:
        UnreadableError: It has a fraction, or is too large.
    """
    if value != value.to_integral_value():
        raise UnreadableError("is not a whole number")
    if not -WHOLE <= value < WHOLE:
        raise UnreadableError("is too large for an integer")
    return int(value)


def _unsigned(text: str) -> tuple[str, str]:
    """Take a sign off: before, after, or the brackets of accountants."""
    if text.startswith("(") and text.endswith(")"):
        return text[1:-1].strip(), "-"
    for sign in "-+":
        if text.startswith(sign):
            return text[1:].strip(), sign
    return (text[:-1].strip(), "-") if text.endswith("-") else (text, "")


def _plain(body: str, decimal: str) -> str:
    """Write digits with a full stop as their decimal mark, or refuse."""
    marks = [mark for mark in " '.," if mark in body]
    if not re.fullmatch(r"[\d .,']+", body):
        raise UnreadableError("is not a number")
    last = max((body.rfind(mark), mark) for mark in ".,")[1] if {".", ","} & set(marks) else ""
    if not last:
        return _ungrouped(body, marks)
    others = [mark for mark in marks if mark != last]
    if body.count(last) > 1 or (not others and _open(body, last) and decimal and decimal != last):
        return _ungrouped(body, marks)
    if not others and _open(body, last) and not decimal:
        raise UnreadableError(
            f"has two readings, {_ungrouped(body, marks)} and {body.replace(last, '.')}; "
            'decimal = "," or "." in workspace.toml says which is meant'
        )
    head, _, tail = body.rpartition(last)
    if not tail or not tail.isdigit():
        raise UnreadableError("is not a number")
    return f"{_ungrouped(head, others) if head else '0'}.{tail}"


def _open(body: str, mark: str) -> bool:
    """Tell whether a mark may group thousands as well as begin a fraction."""
    head, _, tail = body.partition(mark)
    return len(tail) == 3 and 1 <= len(head) <= 3 and head[0] != "0"


def _ungrouped(body: str, marks: list[str]) -> str:
    """Take the grouping out: one kind of mark, and three digits after each."""
    if not marks:
        if body.isdigit():
            return body
        raise UnreadableError("is not a number")
    first, *rest = body.split(marks[0])
    if len(marks) > 1 or not 1 <= len(first) <= 3 or not (first + "".join(rest)).isdigit():
        raise UnreadableError("is not a number")
    if any(len(part) != 3 for part in rest):
        raise UnreadableError("is not grouped by thousands")
    return first + "".join(rest)
