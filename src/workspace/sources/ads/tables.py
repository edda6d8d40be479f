"""The tables of an advertising source: accounts, what is in them, what days brought, and what was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from workspace.lake import Column
from workspace.lake.schema import TIMESTAMP

if TYPE_CHECKING:
    from collections.abc import Mapping

AMOUNT = pa.decimal128(18, 6)
"""Money and counts of conversions: all four platforms bill in millionths at most."""

_KINDS: Mapping[str, tuple[pa.DataType, str]] = {
    "": (pa.string(), "text"),
    "day": (pa.date32(), "date"),
    "count": (pa.int64(), "integer"),
    "amount": (AMOUNT, "decimal"),
    "flag": (pa.bool_(), "boolean"),
    "at": (TIMESTAMP, "timestamp"),
}

_TEXTS: Mapping[str, str] = {
    "accounts": "account_id! platform name currency timezone status",
    "campaigns": "account_id! campaign_id! platform name status objective",
    "ad_groups": "account_id! ad_group_id! platform campaign_id name status",
    "ads": "account_id! ad_id! platform campaign_id ad_group_id name status url",
    "performance": (
        "account_id! level! entity_id! placement! day!:day platform campaign_id ad_group_id ad_id currency timezone "
        "day_hours:count spend:amount impressions:count clicks:count link_clicks:count conversions:amount "
        "view_through_conversions:amount conversion_value:amount attribution counted_actions missing api_version"
    ),
    "conversions": (
        "account_id! level! entity_id! placement! day!:day action! platform campaign_id ad_group_id ad_id currency "
        "conversions:amount conversion_value:amount counted:flag"
    ),
    "click_views": "account_id! click_id!* platform day:day campaign_id ad_group_id ad_id",
    "pulls": (
        "account_id! kind! first_day!:day last_day!:day pulled_at!:at platform api_version rows:count changed:count "
        "calls:count run note"
    ),
}
"""A column is `name`, with `!` of the key, `*` personal, and `:kind` if it is no text."""


def _column(word: str, place: int) -> Column:
    name, _, kind = word.partition(":")
    bare = name.rstrip("!*")
    stored, source_type = _KINDS[kind]
    key = place if "!" in name else 0
    return Column(name=bare, type=stored, source_type=source_type, key=key, personal="*" in name)


TABLES: Mapping[str, tuple[Column, ...]] = {
    table: tuple(_column(word, place) for place, word in enumerate(text.split(), 1)) for table, text in _TEXTS.items()
}
"""The columns of each table of a source, by the table's bare name."""


def shape(table: str) -> pa.Schema:
    """Give the Arrow schema of a table's rows as the source gives them."""
    return pa.schema([pa.field(column.name, column.type) for column in TABLES[table]])
