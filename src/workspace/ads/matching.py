"""Which advertisement a click came from, and how sure that is.

A click says so itself or not at all: by the id of the ad in its URL, by its click id, by the names in its utm
parameters. What two campaigns could mean is left at what is certain: the platform.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
from ibis import _

from workspace.ads.unions import has

if TYPE_CHECKING:
    from workspace.lake import Reads

GOOGLE, FACEBOOK, TIKTOK, TWITTER = "google_ads", "facebook_ads", "tiktok_ads", "twitter_ads"

_NETWORKS = {"Google": GOOGLE, "Facebook": FACEBOOK, "TikTok": TIKTOK, "Twitter": TWITTER}
_SOURCES = {
    GOOGLE: ("google", "google_ads", "google-ads", "googleads", "adwords"),
    FACEBOOK: ("facebook", "fb", "instagram", "ig", "meta", "facebook_ads", "facebook-ads"),
    TIKTOK: ("tiktok", "tiktok_ads", "tiktok-ads"),
    TWITTER: ("twitter", "x", "t.co", "twitter_ads", "twitter-ads"),
}

BY_AD, BY_CLICK, BY_NAME = "ad id in the URL", "click view", "campaign name"
BY_ID, BY_SOURCE = "click id", "utm source"

_PLACE = ("account_id", "campaign_id", "ad_group_id", "ad_id")


def matched(reads: Reads, clicks: ibis.Table) -> ibis.Table:
    """Add to clicks `platform`, `account_id`, `campaign_id`, `campaign`, `ad_group_id`, `ad_id` and `match_method`.

    Args:
        reads: The release.
        clicks: Rows of `marketing.touchpoints`: key `event_id`.
    """
    found = _by_name(reads, _by_click(reads, _by_ad(reads, _told(clicks))))
    method = ibis.cases(
        (found._ad_platform.notnull(), BY_AD),
        (found._view_platform.notnull(), BY_CLICK),
        (found._name_campaign_id.notnull(), BY_NAME),
        (found._platform == found._network, BY_ID),
        (found._platform.notnull(), BY_SOURCE),
        else_=ibis.null("string"),
    )
    placed = found.mutate(
        platform=found._ad_platform.coalesce(found._view_platform, found._platform),
        match_method=method,
        **{column: _placed(found, column) for column in _PLACE},
    )
    shown = [*clicks.columns, "platform", *_PLACE, "match_method"]
    return _with_campaign(reads, placed.select(shown))


def _told(clicks: ibis.Table) -> ibis.Table:
    """Add what a click says of its platform: by its click id, by its source, and whether either tells of an ad."""
    medium = _words(clicks.mkt_medium)
    paid = medium.contains("cp") | medium.isin(["ppc", "retargeting"]) | medium.startswith("paid")
    source = _words(clicks.mkt_source)
    told = clicks.mutate(
        _network=ibis.cases(*((clicks.click_network == word, name) for word, name in _NETWORKS.items())),
        _source=ibis.cases(*((source.isin(words), name) for name, words in _SOURCES.items())),
        _paid=paid,
    )
    # Facebook puts its click id on every link out of it, so that alone is no sign of an advertisement.
    sure = told._network.isin([GOOGLE, TIKTOK, TWITTER])
    platform = ibis.cases((sure, told._network), (told._paid, told._network.coalesce(told._source)))
    return told.mutate(_platform=platform)


def _words(column: ibis.Value) -> ibis.Value:
    return column.coalesce("").strip().lower()


def _by_ad(reads: Reads, clicks: ibis.Table) -> ibis.Table:
    """Find the ad whose id is the click's content: one of the platform of its click id, or else of its source."""
    keys = ("platform", "account_id", "ad_id")
    newest = ibis.window(group_by=keys, order_by=[ibis.desc("valid_from"), "source"])
    # An ad that is gone was clicked all the same.
    ads = reads.history("ads.ads").mutate(_rank=ibis.row_number().over(newest)).filter(_._rank == 0)
    once = _unique(ads.select("platform", *_PLACE), "platform", "ad_id")
    found = clicks
    for side in ("network", "source"):
        named = once.rename(**{f"_{side}_{column}": column for column in once.columns})
        same = [
            found.mkt_content == named[f"_{side}_ad_id"],
            found[f"_{side}"] == named[f"_{side}_platform"],
        ]
        found = found.left_join(named, same)
    columns = ("platform", *_PLACE)
    by_network = found._network_platform.notnull()
    told = {f"_ad_{c}": ibis.ifelse(by_network, found[f"_network_{c}"], found[f"_source_{c}"]) for c in columns}
    return found.select(*clicks.columns, **told)


def _by_click(reads: Reads, clicks: ibis.Table) -> ibis.Table:
    """Find the click that Google itself tells of by its id."""
    columns = ("platform", *_PLACE)
    if not has(reads, "click_views"):
        return clicks.mutate(**{f"_view_{column}": ibis.null("string") for column in columns})
    views = reads.table("ads.click_views").select("click_id", *columns)
    rank = ibis.window(group_by=["click_id", "account_id"], order_by=["platform", "ad_id"])
    views = views.mutate(_rank=ibis.row_number().over(rank)).filter(_._rank == 0).drop("_rank")
    once = _unique(views, "click_id").rename(**{f"_view_{column}": column for column in (*columns, "click_id")})
    click_id = clicks.gclid.coalesce(ibis.ifelse(clicks._network == GOOGLE, clicks.click_id, ibis.null("string")))
    asked = clicks.mutate(_click_id=click_id)
    return asked.left_join(once, asked._click_id == once._view_click_id).drop("_click_id", "_view_click_id")


def _by_name(reads: Reads, clicks: ibis.Table) -> ibis.Table:
    """Find the campaign that had the click's name when it was clicked, if it was the only one of the platform."""
    names = _versions(reads).select(
        _p="platform",
        _a="account_id",
        _c="campaign_id",
        _n="name",
        _from="_from",
        _to="valid_to",
        _earliest="_earliest",
    )
    same = [clicks._platform == names._p, clicks.mkt_campaign == names._n]
    then = [names._earliest | (clicks.clicked_at >= names._from), clicks.clicked_at < names._to]
    could = clicks.inner_join(names, [*same, *then])
    counted = could.group_by("event_id").aggregate(
        _name_account_id=_._a.min(), _name_campaign_id=_._c.min(), _accounts=_._a.nunique(), _campaigns=_._c.nunique()
    )
    only = counted.filter(_._accounts == 1, _._campaigns == 1)
    only = only.select(_event="event_id", _name_account_id="_name_account_id", _name_campaign_id="_name_campaign_id")
    return clicks.left_join(only, clicks.event_id == only._event).drop("_event")


def _placed(found: ibis.Table, column: str) -> ibis.Value:
    """Give where a click belongs, all of it by the surest way that tells anything."""
    name = f"_name_{column}"
    by_name = found[name] if name in found.columns else ibis.null("string")
    return ibis.cases(
        (found._ad_platform.notnull(), found[f"_ad_{column}"]),
        (found._view_platform.notnull(), found[f"_view_{column}"]),
        else_=by_name,
    )


def _with_campaign(reads: Reads, clicks: ibis.Table) -> ibis.Table:
    """Add the name that the campaign had when it was clicked; one that is gone keeps its last."""
    versions = _versions(reads)
    names = versions.select(
        _p="platform",
        _a="account_id",
        _c="campaign_id",
        campaign="name",
        _from="_from",
        _next="_next",
        _earliest="_earliest",
    )
    same = [clicks.platform == names._p, clicks.account_id == names._a, clicks.campaign_id == names._c]
    then = [
        names._earliest | (clicks.clicked_at >= names._from),
        names._next.isnull() | (clicks.clicked_at < names._next),
    ]
    found = clicks.left_join(names, [*same, *then])
    return found.select(*clicks.columns, "campaign")


def _versions(reads: Reads) -> ibis.Table:
    """Give the versions of campaigns, each as of one source; what was true before the first is not known better."""
    keys = ["platform", "account_id", "campaign_id"]
    rows = reads.history("ads.campaigns")
    rows = rows.mutate(_one=_.source.min().over(ibis.window(group_by=keys))).filter(_.source == _._one)
    in_order = ibis.window(group_by=keys, order_by="valid_from")
    return rows.mutate(
        _from=_.valid_from,
        _earliest=ibis.row_number().over(in_order) == 0,
        _next=_.valid_from.lead().over(in_order),
    )


def _unique(rows: ibis.Table, *key: str) -> ibis.Table:
    """Leave out what is there more than once: an id that two accounts have tells of none."""
    counted = rows.mutate(_times=_.count().over(ibis.window(group_by=list(key))))
    return counted.filter(_._times == 1).drop("_times")
