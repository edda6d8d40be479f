"""The fields that can be asked for: what each is, and which of them go together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from workspace.demo.ads.google.errors import FailureError, query_error
from workspace.demo.ads.google.gaql import COMPARISONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workspace.demo.ads.google.gaql import Condition, Query

Type = Literal["int64", "double", "string", "enum", "bool", "date", "strings"]

# Field by field, grouped by type so that each name stands once.
_OF: dict[str, dict[Type, str]] = {
    "customer": {
        "int64": "id",
        "string": "resource_name descriptive_name currency_code time_zone",
        "bool": "manager test_account auto_tagging_enabled",
        "enum": "status",
    },
    "customer_client": {
        "int64": "id level",
        "string": "resource_name client_customer descriptive_name currency_code time_zone",
        "bool": "hidden manager test_account",
        "enum": "status",
    },
    "campaign": {
        "int64": "id",
        "string": "resource_name name start_date_time",
        "enum": "status advertising_channel_type",
    },
    "ad_group": {"int64": "id", "string": "resource_name name campaign", "enum": "status type"},
    "ad_group_ad": {
        "int64": "ad.id",
        "string": "resource_name ad_group ad.resource_name ad.name",
        "enum": "status ad.type",
        "strings": "ad.final_urls",
    },
    "conversion_action": {
        "int64": "id click_through_lookback_window_days view_through_lookback_window_days",
        "string": "resource_name name owner_customer",
        "bool": "primary_for_goal include_in_conversions_metric",
        "enum": "status type category origin counting_type attribution_model_settings.attribution_model",
    },
    "click_view": {"string": "resource_name gclid ad_group_ad"},
    "segments": {
        "date": "date week month quarter",
        "enum": "day_of_week conversion_action_category",
        "string": "conversion_action conversion_action_name",
    },
    "metrics": {
        "int64": "impressions clicks interactions cost_micros view_through_conversions",
        "double": "conversions conversions_value all_conversions all_conversions_value ctr",
    },
}
FIELDS: dict[str, Type] = {
    f"{owner}.{name}": kind for owner, kinds in _OF.items() for kind, names in kinds.items() for name in names.split()
}

# What else of an entity's own line can be asked for with it.
ATTRIBUTED = {
    "customer": (),
    "customer_client": ("customer",),
    "campaign": ("customer",),
    "ad_group": ("customer", "campaign"),
    "ad_group_ad": ("customer", "campaign", "ad_group"),
    "conversion_action": ("customer",),
    "click_view": ("customer", "campaign", "ad_group"),
}
MEASURED = ("customer", "campaign", "ad_group", "ad_group_ad")
"""The resources that have metrics, all of them."""

DATES = tuple(name for name, kind in FIELDS.items() if kind == "date")
ACTIONS = tuple(name for name in FIELDS if name.startswith("segments.conversion_action"))
# The only metrics that can be told apart by what people did.
BY_ACTION = {
    "metrics.conversions",
    "metrics.conversions_value",
    "metrics.all_conversions",
    "metrics.all_conversions_value",
    "metrics.view_through_conversions",
}
_ORDERED = ("int64", "double", "date")


def owner(name: str) -> str:
    """Give what a field belongs to.

    Examples:
        >>> owner("ad_group_ad.ad.id")
        'ad_group_ad'
    """
    return name.partition(".")[0]


def check(query: Query, *, manager: bool, removed: Iterable[str] = ()) -> None:
    """Check that a query asks for what there is, and for what goes together.

    Args:
        query: The query.
        manager: Whether the account is a manager's.
        removed: Fields that the platform has taken away.

    Raises:
        FailureError: It does not; the error says what Google would.
    """
    if query.resource not in ATTRIBUTED:
        said = f"Error in query: invalid resource type '{query.resource}' in FROM clause."
        raise query_error("BAD_RESOURCE_TYPE_IN_FROM_CLAUSE", said)
    filtered = [condition.field for condition in query.where]
    sorted_by = [ordering.field for ordering in query.order]
    asked = [*query.select, *filtered, *sorted_by]
    known = FIELDS.keys() - set(removed)
    if unknown := list(dict.fromkeys(name for name in asked if name not in known)):
        plural = "s" if len(unknown) > 1 else ""
        named = ", ".join(f"'{name}'" for name in unknown)
        raise query_error("UNRECOGNIZED_FIELD", f"Unrecognized field{plural} in the query: {named}.")
    _together(query, asked, filtered)
    _selected(query, filtered, sorted_by)
    for condition in query.where:
        _fits(condition)
    metrics = [name for name in asked if owner(name) == "metrics"]
    if manager and metrics:
        said = (
            "Metrics cannot be requested for a manager account. To retrieve metrics, issue separate requests against "
            "each client account under the manager account."
        )
        raise query_error("REQUESTED_METRICS_FOR_MANAGER", said)
    wrong = [name for name in metrics if name not in BY_ACTION]
    if wrong and any(name in ACTIONS for name in asked):
        said = f"Cannot select or filter on the following segments with these metrics: {', '.join(wrong)}."
        raise query_error("PROHIBITED_SEGMENT_WITH_METRIC_IN_SELECT_OR_WHERE_CLAUSE", said)


def _together(query: Query, asked: list[str], filtered: list[str]) -> None:
    allowed = {query.resource, *ATTRIBUTED[query.resource]}
    for name in asked:
        of = owner(name)
        if of == "metrics":
            if query.resource not in MEASURED and (query.resource, name) != ("click_view", "metrics.clicks"):
                said = f"Cannot select or filter on the following metrics: '{name}' with FROM '{query.resource}'."
                raise query_error("PROHIBITED_METRIC_IN_SELECT_OR_WHERE_CLAUSE", said)
        elif of == "segments":
            if query.resource not in MEASURED and (query.resource, name) != ("click_view", "segments.date"):
                said = f"Cannot select or filter on the following segments: '{name}' with FROM '{query.resource}'."
                raise query_error("PROHIBITED_SEGMENT_IN_SELECT_OR_WHERE_CLAUSE", said)
        elif of not in allowed:
            clause = "WHERE" if name in filtered and name not in query.select else "SELECT"
            said = f"Resource '{of}' cannot be used in the {clause} clause with FROM '{query.resource}'."
            raise query_error(f"PROHIBITED_RESOURCE_TYPE_IN_{clause}_CLAUSE", said)


def _selected(query: Query, filtered: list[str], sorted_by: list[str]) -> None:
    """Segments split metrics, so filtering or sorting by one that is not shown is refused; a day may be filtered by."""
    for name in [*filtered, *sorted_by]:
        hidden = owner(name) == "segments" and name != "segments.date"
        if (hidden or (name in sorted_by and owner(name) in ("segments", "metrics"))) and name not in query.select:
            said = f"The following field must be present in SELECT clause: '{name}'."
            raise query_error("EXPECTED_REFERENCED_FIELD_IN_SELECT_CLAUSE", said)


def _fits(condition: Condition) -> None:
    kind, operator = FIELDS[condition.field], condition.operator
    wrong = (
        (operator == "DURING" and condition.field != "segments.date")
        or (operator in ("BETWEEN", "<", "<=", ">", ">=") and kind not in _ORDERED)
        or (operator.endswith("LIKE") and kind != "string")
        or (kind == "strings" and (operator in COMPARISONS or operator.endswith("IN")))
    )
    if wrong:
        said = f"Operator '{operator}' cannot be used with field '{condition.field}'."
        raise query_error("OPERATOR_FIELD_MISMATCH", said)


def refuse_value(condition: Condition) -> FailureError:
    """Say that a value is not of its field's type."""
    shown = ", ".join(value.text for value in condition.values)
    return query_error("BAD_VALUE", f"Invalid value {shown} for field '{condition.field}'.")
