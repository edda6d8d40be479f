"""Facebook as tests read it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from adserver import CREDENTIALS
from sources.ads.adapters import keyed, read

if TYPE_CHECKING:
    from workspace.sources.ads.adapter import Account, Level
    from workspace.sources.ads.facebook import Facebook

EU, JAPAN, EMPTY, DISABLED = (f"12000000000000000{number}" for number in range(1, 5))
FIRST, LAST = date(2026, 10, 5), date(2026, 10, 20)
SECRET = CREDENTIALS["facebook_ads"]


def account(facebook: Facebook, account_id: str = EU) -> Account:
    return next(each for each in facebook.accounts() if each.id == account_id)


def pulled(facebook: Facebook, whose: Account, first: date = FIRST, last: date = LAST, level: Level = "ad") -> Any:
    return keyed(read(facebook, whose, first, last, level))
