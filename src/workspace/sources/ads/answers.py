"""What an answer of an advertising platform means for the run: go on, wait, ask anew, split, put off, or stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from workspace.errors import DeferredError, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

ATTEMPTS = 3
"""How often something is asked for whose pages turn out to belong to different answers."""


class RefusedError(SourceError):
    """The platform will not answer until a human acts: credentials, rights, a retired version, a wrong question."""


class AccountRefusedError(SourceError):
    """One account is disabled or not granted; the others can be read."""


class AccountError(SourceError):
    """One account cannot be read to its end; the others can."""


class AccountDeferredError(DeferredError):
    """One account's own quota is used up for long; the others can be read."""


class TooLargeError(AccountError):
    """The platform will answer for fewer days at once."""


class RestartError(SourceError):
    """The pages read so far belong to no whole answer: the window is to be asked for anew."""


@dataclass(frozen=True, slots=True)
class Ok:
    """The answer is what was asked for."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask again later.

    Attributes:
        seconds: How much later; None if the platform does not say.
        reason: What it said.
        failing: Whether it fails, rather than being busy: if that does not pass, it is an error and no quota.
        account: Whether the quota is this account's own.
    """

    seconds: float | None
    reason: str
    failing: bool = False
    account: bool = False


@dataclass(frozen=True, slots=True)
class Refresh:
    """The access token has run out; ask for another one, once."""

    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Asking again would not help.

    Attributes:
        error: What to raise.
    """

    error: SourceError


Verdict = Ok | Wait | Refresh | Stop


def whole(pull: Callable[[], T], what: str) -> T:
    """Ask anew where an answer turns out to be none that is whole.

    Args:
        pull: Asks for all of it.
        what: Named in errors.

    Raises:
        AccountError: It is not to be had whole, or is not what the platform documents.
    """
    for _ in range(ATTEMPTS):
        try:
            return pull()
        except RestartError as error:
            last = error
        except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            msg = f"{what}: an answer is not as the platform documents it ({type(error).__name__}: {error})."
            raise AccountError(msg, cure="Update the workspace; if it is up to date, tell who maintains it.") from error
    msg = f"{what}: {ATTEMPTS} attempts gave no whole answer. {last.message}"
    raise AccountError(msg, cure="Run it again later; what was read before is kept.") from last
