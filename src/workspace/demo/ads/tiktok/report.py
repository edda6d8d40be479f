"""TikTok's synchronous report: its rules about levels, dimensions, metrics and days, and its ways with numbers.

Knobs: `numeric_ids` sends ids as JSON numbers; `tiktok_metrics` says of metrics how they are sent: as a `number`, a
`dash`, `null`, or `absent`; `tiktok_withdrawn` names metrics that are no more. `limits` may have, under `tiktok_ads`:
`cost`, `ads`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from workspace.demo.ads.book import COUNTED, Facts, total
from workspace.demo.ads.tiktok.asked import MOST_IDS, Asked, Problem, number, paged, wrong
from workspace.demo.ads.tiktok.entities import OBJECTIVES, PLATFORM, Tree, operated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date

    from workspace.demo.ads.book import Account
    from workspace.demo.ads.simulation import Request, Simulation

DAYS = 30
ADS = 20_000
COST = 10_000_000  # rows, metrics and days multiplied: what TikTok takes for too much, as far as anybody knows
THROTTLED = (
    "Number of ad ids is equal or more than 20k, only return the top 20k id's results, "
    "sorting by create time desc order."
)

_PARAMETERS = [
    "advertiser_id",
    "advertiser_ids",
    "bc_id",
    "service_type",
    "report_type",
    "data_level",
    "dimensions",
    "metrics",
    "enable_total_metrics",
    "start_date",
    "end_date",
    "query_lifetime",
    "multi_adv_report_in_utc_time",
    "order_field",
    "order_type",
    "filtering",
    "query_mode",
    "page",
    "page_size",
]
_LEVELS = {
    "AUCTION_AD": "ad_id",
    "AUCTION_ADGROUP": "adgroup_id",
    "AUCTION_CAMPAIGN": "campaign_id",
    "AUCTION_ADVERTISER": "advertiser_id",
}
_STATUSES = {"ad_id": "ad_status", "adgroup_id": "adgroup_status", "campaign_id": "campaign_status"}
_TIMES = {"stat_time_day", "stat_time_hour"}
# Which levels have an attribute: those from here on.
_ATTRIBUTES = {
    "currency": ("ad_id", "adgroup_id", "campaign_id", "advertiser_id"),
    "timezone": ("ad_id", "adgroup_id", "campaign_id", "advertiser_id"),
    "campaign_id": ("ad_id", "adgroup_id", "campaign_id"),
    "campaign_name": ("ad_id", "adgroup_id", "campaign_id"),
    "objective_type": ("ad_id", "adgroup_id", "campaign_id"),
    "adgroup_id": ("ad_id", "adgroup_id"),
    "adgroup_name": ("ad_id", "adgroup_id"),
    "ad_name": ("ad_id",),
}
_COUNTS: dict[str, Callable[[Facts], Decimal | int]] = {
    "impressions": lambda facts: facts.impressions,
    "clicks": lambda facts: facts.clicks,
    "conversion": lambda facts: _claimed(facts, "purchase")[0],
    "complete_payment": lambda facts: _claimed(facts, "purchase")[0],
    "web_event_add_to_cart": lambda facts: _claimed(facts, "add_to_cart")[0],
    "user_registration": lambda facts: _claimed(facts, "sign_up")[0],
    "vta_complete_payment": lambda facts: facts.view_through,
    "vta_conversion": lambda facts: facts.view_through,
}
_AMOUNTS: dict[str, Callable[[Facts], Decimal]] = {
    "spend": lambda facts: facts.spend,
    "total_complete_payment_rate": lambda facts: _claimed(facts, "purchase")[1],
    "total_web_event_add_to_cart_value": lambda facts: _claimed(facts, "add_to_cart")[1],
    "total_user_registration_value": lambda facts: _claimed(facts, "sign_up")[1],
    "cpc": lambda facts: _ratio(facts.spend, facts.clicks),
    "cpm": lambda facts: _ratio(facts.spend * 1000, facts.impressions),
    "ctr": lambda facts: _ratio(Decimal(100 * facts.clicks), facts.impressions),
}
_UNDEFINED = ("secondary_goal_result", "cost_per_secondary_goal_result")


_Row = tuple["date | None", str, Facts]
"""What one entity did on a day, or on all days."""


@dataclass(frozen=True)
class _Question:
    """A report that TikTok would give."""

    account: Account
    tree: Tree
    dimension: str
    daily: bool
    metrics: Sequence[str]
    days: Sequence[date]
    filters: dict[str, list[str]]


def report(sim: Simulation, request: Request) -> tuple[dict[str, Any], dict[str, str]]:
    """`report/integrated/get/`: give the data, and what the headers say besides."""
    asked = Asked(request, _PARAMETERS, strict=sim.strict)
    question = _question(sim, asked)
    allowed = _allowed(sim)
    entities = _entities(question)
    if len(entities) * len(question.days) * len(question.metrics) > allowed["cost"]:
        raise Problem(40067, "The query is too large. Please narrow the date range and try again.")
    headers = {}
    if len(entities) >= allowed["ads"]:
        newest = sorted(entities.values(), key=lambda each: (each.created, int(each.id)), reverse=True)
        entities = {each.id: each for each in newest[: allowed["ads"]]}
        headers["X-Tt-Ads-Throttle"] = THROTTLED
    rows, info = paged(_rows(sim, question, entities), asked.page(sim))
    listed = [_written(sim, question, row, entities[row[1]]) for row in rows]
    return {"list": listed, "page_info": info}, headers


def limits(sim: Simulation) -> dict[str, int]:
    """Give what a report allows."""
    return {"days": DAYS, **_allowed(sim)}


def _allowed(sim: Simulation) -> dict[str, int]:
    return {"cost": COST, "ads": ADS, **sim.settings.get("limits", {}).get(PLATFORM, {})}


def _question(sim: Simulation, asked: Asked) -> _Question:
    asked.text("report_type", ("BASIC",))
    asked.text("service_type", ("AUCTION",), "AUCTION")
    asked.text("query_mode", ("REGULAR",), "REGULAR")
    for name in ("enable_total_metrics", "query_lifetime", "multi_adv_report_in_utc_time"):
        if asked.flag(name):
            raise wrong(f"{name}: not simulated.")
    account = operated(sim, asked.text("advertiser_id"))
    dimension = _LEVELS[asked.text("data_level", tuple(_LEVELS))]
    dimensions = asked.texts("dimensions")
    daily = _checked(dimensions, dimension)
    metrics = asked.texts("metrics", ("spend", "impressions"))
    invalid = [name for name in metrics if not _is_metric(sim, name, dimension)]
    if invalid:
        told = f"Invalid metric fields: {invalid}. "
        raise wrong(f"Please correct the information in invalid metric fields and try again. {told}")
    tree, filters = Tree.of(sim, account.id), asked.filters()
    _check_filters(filters)
    return _Question(account, tree, dimension, daily, metrics, _days(asked, daily=daily), filters)


def _checked(dimensions: list[str], dimension: str) -> bool:
    """Check that there is the id of the level, and nothing else than a time; tell whether it is the day."""
    invalid = [name for name in dimensions if name != dimension and name not in _TIMES]
    if invalid or dimensions.count(dimension) != 1 or len(dimensions) > 2:
        told = invalid or dimensions
        raise wrong(f"Please correct the information in invalid dimension fields and try again. dimensions: {told}.")
    if "stat_time_hour" in dimensions:
        raise wrong("stat_time_hour: not simulated.")
    return "stat_time_day" in dimensions


def _is_metric(sim: Simulation, name: str, dimension: str) -> bool:
    if name in sim.settings.get("tiktok_withdrawn", ()):
        return False
    if name in {"conversion", "vta_conversion"}:  # what that is, each group of ads decides for itself
        return dimension in {"ad_id", "adgroup_id"}
    return name in _COUNTS or name in _AMOUNTS or name in _UNDEFINED or dimension in _ATTRIBUTES.get(name, ())


def _days(asked: Asked, *, daily: bool) -> list[date]:
    first, last = asked.day("start_date"), asked.day("end_date")
    span = (last - first).days + 1
    if span < 1:
        raise wrong("end_date: must not be before start_date.")
    if span > (DAYS if daily else 365):
        raise wrong(f"The time range can not exceed {DAYS if daily else 365} days.")
    return [first + timedelta(days=place) for place in range(span)]


def _check_filters(filters: dict[str, list[str]]) -> None:
    for name, values in filters.items():
        if name in _STATUSES.values():
            if len(values) != 1 or values[0] not in {"STATUS_ALL", "STATUS_NOT_DELETE", "STATUS_DELETE"}:
                raise wrong(f"filtering: {name} is one of STATUS_ALL, STATUS_NOT_DELETE, STATUS_DELETE here.")
        elif name not in {"campaign_ids", "adgroup_ids", "ad_ids"}:
            raise wrong(f"filtering: {name} is no field to filter by.")
        elif len(values) > MOST_IDS:
            raise wrong(f"filtering: {name} may have {MOST_IDS} values.")


def _entities(question: _Question) -> dict[str, Any]:
    """Give what a report is about; without what is deleted, unless it is asked for."""
    tree, dimension = question.tree, question.dimension
    if dimension == "advertiser_id":
        return {question.account.id: question.account}
    levels: dict[str, dict[str, Any]] = {
        "ad_id": {**tree.ads},
        "adgroup_id": {**tree.groups},
        "campaign_id": {**tree.campaigns},
    }
    wanted = question.filters.get(_STATUSES[dimension], ["STATUS_NOT_DELETE"])[0]
    kept = {}
    for identity, entity in levels[dimension].items():
        deleted = entity.status(tree.at) == "deleted"
        fits = {"STATUS_ALL": True, "STATUS_DELETE": deleted, "STATUS_NOT_DELETE": not deleted}[wanted]
        names = {dimension: identity, "campaign_id": getattr(entity, "campaign_id", identity)}
        if hasattr(entity, "group_id"):
            names["adgroup_id"] = entity.group_id
        if fits and all(
            names.get(name[:-1]) in values for name, values in question.filters.items() if name.endswith("_ids")
        ):
            kept[identity] = entity
    return kept


def _rows(sim: Simulation, question: _Question, entities: dict[str, Any]) -> list[_Row]:
    rows: list[_Row] = []
    for day in question.days:
        told = [(identity, facts) for identity, facts in _told(sim, question, day) if identity in entities]
        if question.dimension not in {"ad_id", "campaign_id"}:
            told = _summed(told)
        rows += [(day, identity, facts) for identity, facts in told]
    if question.daily:
        return rows
    return [(None, identity, facts) for identity, facts in _summed([(row[1], row[2]) for row in rows])]


def _told(sim: Simulation, question: _Question, day: date) -> Iterator[tuple[str, Facts]]:
    """Give what the book has of a day, by the ids of the level; for levels between, several times."""
    dimension, account = question.dimension, question.account.id
    if dimension == "campaign_id":
        return ((campaign.id, facts) for campaign, facts in sim.book.campaign_facts(account, day, sim.now))
    found = sim.book.facts(account, day, sim.now)
    if dimension == "ad_id":
        return ((ad.id, facts) for ad, facts in found)
    return ((ad.group_id if dimension == "adgroup_id" else account, facts) for ad, facts in found)


def _summed(told: Sequence[tuple[str, Facts]]) -> list[tuple[str, Facts]]:
    several: dict[str, list[Facts]] = {}
    for identity, facts in told:
        several.setdefault(identity, []).append(facts)
    return [(identity, total(facts)) for identity, facts in several.items()]


def _written(sim: Simulation, question: _Question, row: _Row, entity: Any) -> dict[str, Any]:
    day, identity, facts = row
    dimensions: dict[str, Any] = {question.dimension: number(sim, identity)}
    if day is not None:
        dimensions["stat_time_day"] = f"{day} 00:00:00"
    metrics = {}
    for name in question.metrics:
        value = _value(sim, question, facts, entity, name)
        how = sim.settings.get("tiktok_metrics", {}).get(name)
        if how == "number":
            value = Decimal(str(value))
        if how != "absent":
            metrics[name] = {"dash": "-", "null": None}.get(how or "", value)
    return {"metrics": metrics, "dimensions": dimensions}


def _value(sim: Simulation, question: _Question, facts: Facts, entity: Any, name: str) -> Any:
    if name in _COUNTS:
        return f"{Decimal(_COUNTS[name](facts)):f}"
    if name in _AMOUNTS:
        return _money(_AMOUNTS[name](facts))
    if name in _UNDEFINED:
        return "-"
    return _attribute(sim, question, entity, name)


def _attribute(sim: Simulation, question: _Question, entity: Any, name: str) -> Any:
    tree, at = question.tree, question.tree.at
    if name in {"currency", "timezone"}:
        return getattr(question.account, name)
    if name.startswith("campaign") or name == "objective_type":
        campaign = tree.campaigns[getattr(entity, "campaign_id", entity.id)]
        kind = OBJECTIVES.get(campaign.objective, campaign.objective)
        told = {"campaign_id": number(sim, campaign.id), "campaign_name": campaign.name(at), "objective_type": kind}
        return told[name]
    if name == "ad_name":
        return entity.name(at)
    group = tree.groups[getattr(entity, "group_id", entity.id)]
    return number(sim, group.id) if name == "adgroup_id" else group.name(at)


def _claimed(facts: Facts, action: str) -> tuple[Decimal, Decimal]:
    return facts.claimed(action, COUNTED[PLATFORM])


def _ratio(part: Decimal, whole: int) -> Decimal:
    return (part / whole).quantize(Decimal("0.01")) if whole else Decimal("0.00")


def _money(amount: Decimal) -> str:
    """Write an amount with two places, or as many as it needs."""
    short = amount.quantize(Decimal("0.01"))
    return f"{short:f}" if short == amount else f"{amount.normalize():f}"
