"""Accounts, campaigns, groups and ads as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workspace.sources.ads.tables import shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from workspace.sources.ads.adapter import Account, Entity

UNREACHED = "unreached"
"""The status of an account that the credentials do not reach any more."""

_UNTOLD = {"name": "", "currency": "XXX", "timezone": "Etc/Unknown"}
"""What stands where a platform does not tell."""

_TABLES = {"campaign": "campaigns", "ad_group": "ad_groups", "ad": "ads"}


def accounts_table(platform: str, accounts: Iterable[Account], known: Mapping[str, dict[str, Any]]) -> pa.Table:
    """Give accounts as the rows of `accounts`. None of them ever goes: what was read of it stays, and names it.

    Args:
        platform: Whose.
        accounts: As it tells of them now.
        known: The rows that are held, by account; what an account does not tell any more stays as it was.
    """
    rows: list[dict[str, Any]] = [
        {
            "account_id": account.id,
            "platform": platform,
            "name": account.name,
            "currency": account.currency,
            "timezone": account.timezone,
            "status": account.status,
        }
        for account in accounts
    ]
    for row in rows:
        before = known.get(row["account_id"], row)
        row |= {name: before[name] for name, nothing in _UNTOLD.items() if row[name] == nothing}
    there = {row["account_id"] for row in rows}
    rows += [row | {"status": UNREACHED} for name, row in known.items() if name not in there]
    return pa.Table.from_pylist(rows, schema=shape("accounts"))


def entity_tables(platform: str, account: Account, pages: Iterable[list[Entity]]) -> dict[str, pa.Table]:
    """Give what is in an account as the rows of `campaigns`, `ad_groups` and `ads`; the last told of an id counts."""
    found: dict[str, dict[str, dict[str, Any]]] = {table: {} for table in _TABLES.values()}
    for page in pages:
        for entity in page:
            found[_TABLES[entity.level]][entity.id] = {
                "platform": platform,
                "account_id": account.id,
                "campaign_id": entity.campaign_id,
                "ad_group_id": entity.ad_group_id,
                f"{entity.level}_id": entity.id,
                "name": entity.name,
                "status": entity.status,
                "objective": entity.objective,
                "url": entity.url,
            }
    return {table: _table(table, rows.values()) for table, rows in found.items()}


def _table(table: str, rows: Iterable[dict[str, Any]]) -> pa.Table:
    names = shape(table).names
    return pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows], schema=shape(table))
