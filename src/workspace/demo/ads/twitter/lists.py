"""X's lists: narrowed, sorted and cut into pages by cursors that belong to one question."""

from __future__ import annotations

import base64
import zlib
from typing import TYPE_CHECKING

from workspace.demo.ads.twitter.entities import KINDS, all_accounts, told_account, tweet, tweet_id
from workspace.demo.ads.twitter.replies import Asked, Refused, invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workspace.demo.ads.twitter.entities import Row

_PAGING = ("count", "cursor", "sort_by", "with_deleted", "with_total_count")
_SORTED = frozenset({"created_at", "updated_at", "deleted", "name"})


def tweets(asked: Asked) -> Row:
    """Give tweets by their ids."""
    asked.known(*_PAGING, "tweet_ids", "tweet_type", "timeline_type", "trim_user", "name", "user_id")
    if asked.required("tweet_type") not in ("DRAFT", "PUBLISHED", "SCHEDULED"):
        raise invalid("tweet_type", "unknown tweet_type", asked.query["tweet_type"])
    found = {tweet_id(ad): ad for ad in asked.sim.book.ads(asked.of.id) if ad.exists(asked.sim.now)}
    wanted = asked.several("tweet_ids") or sorted(found)
    rows = [tweet(asked.sim, found[each]) for each in wanted if each in found]
    return {"request": asked.echo(), "data_type": "tweet", **_page(asked, rows)}


def accounts(asked: Asked) -> Row:
    """Give the list of accounts."""
    asked.known(*_PAGING, "account_ids", "q")
    return _listed(asked, all_accounts(asked.sim), {"account_ids": "id"}, "account")


def account(asked: Asked) -> Row:
    """Give one account."""
    asked.known("with_deleted")
    return {"data_type": "account", "data": told_account(asked.sim, asked.of), "request": asked.echo()}


def listed(asked: Asked, name: str) -> Row:
    """Give one of an account's lists."""
    kind = KINDS[name]
    asked.known(*_PAGING, *kind.filters, "q", "with_draft")
    return _listed(asked, kind.rows(asked.sim, asked.of), kind.filters, kind.word)


def single(asked: Asked, name: str, entity: str) -> Row:
    """Give one of an account's things; of a deleted one, only who asks for those is told."""
    kind = KINDS[name]
    asked.known("with_deleted")
    found = next((row for row in kind.rows(asked.sim, asked.of) if row["id"] == entity), None)
    if found is None or (found["deleted"] and not asked.flag("with_deleted")):
        raise Refused(404, f"{kind.word.upper()}_NOT_FOUND", f"{kind.word} {entity} was not found")
    return {"data_type": kind.word, "data": _told(found), "request": asked.echo(**{f"{kind.word}_id": entity})}


def _listed(asked: Asked, rows: list[Row], filters: dict[str, str], word: str) -> Row:
    everything = asked.flag("with_deleted")
    chosen = [row for row in rows if everything or not (row["deleted"] or row.get("_hidden"))]
    for parameter, field in filters.items():
        wanted = asked.several(parameter)
        if wanted:
            chosen = [row for row in chosen if row[field] in wanted]
    if asked.query.get("q"):
        start = asked.query["q"].casefold()
        chosen = [row for row in chosen if str(row.get("name") or "").casefold().startswith(start)]
    answer = _page(asked, _sorted(asked, chosen))
    answer["data"] = [_told(row) for row in answer["data"]]
    return {"request": asked.echo(), "data_type": word, **answer}


def _told(row: Row) -> Row:
    return {name: value for name, value in row.items() if not name.startswith("_")}


def _sorted(asked: Asked, rows: list[Row]) -> list[Row]:
    field, _, order = asked.query.get("sort_by", "created_at-desc").rpartition("-")
    if field not in _SORTED or order not in ("asc", "desc"):
        raise invalid("sort_by", f"cannot sort by {asked.query['sort_by']}", asked.query["sort_by"])
    by_id = sorted(rows, key=lambda row: str(row["id"]))
    return sorted(by_id, key=lambda row: str(row.get(field) or ""), reverse=order == "desc")


def _page(asked: Asked, rows: Sequence[Row]) -> Row:
    count = asked.number("count", 200, 1000)
    size = min(count, asked.sim.page or count)
    if "cursor" in asked.query and asked.flag("with_total_count"):
        raise Refused(400, "EXCLUSIVE_PARAMETERS", "cursor and with_total_count are exclusive")
    begin = _read(asked) if asked.query.get("cursor") else 0
    more = begin + size < len(rows)
    answer: Row = {"data": rows[begin : begin + size], "next_cursor": _cursor(asked, begin + size) if more else None}
    if asked.flag("with_total_count"):
        answer["total_count"] = len(rows)
    return answer


def _question(asked: Asked) -> int:
    """Tell questions apart: a cursor belongs to one, whatever the size of its pages."""
    same = {name: value for name, value in asked.query.items() if name not in ("cursor", "count")}
    return zlib.crc32(f"{asked.request.path} {sorted(same.items())}".encode())


def _cursor(asked: Asked, begin: int) -> str:
    return "c-" + base64.urlsafe_b64encode(f"{begin}.{_question(asked):x}".encode()).decode().rstrip("=")


def _read(asked: Asked) -> int:
    cursor = asked.query["cursor"]
    try:
        padded = cursor.removeprefix("c-") + "=" * (-len(cursor.removeprefix("c-")) % 4)
        begin, _, question = base64.urlsafe_b64decode(padded).decode("ascii").partition(".")
        if int(question, 16) == _question(asked):
            return int(begin)
    except ValueError:
        pass  # what is no cursor is refused as one of another question is
    raise invalid("cursor", "invalid cursor", cursor)
