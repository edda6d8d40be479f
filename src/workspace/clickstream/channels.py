"""The channel that brought a session: GA4's default channel group, from utm parameters, click ids and the referrer.

Rules and their order follow Google's documentation, "[GA4] Default channel group"
(https://support.google.com/analytics/answer/9756891). Google's lists of search, social, shopping and video sites are
its own; here, Snowplow's `refr_medium` (the open referer-parser) tells what a referrer is, and short lists of our own
what a `utm_source` is. Where a click carries no utm parameters, Google reports what its click id says; so do we for all
networks: a click id that only ads get makes it a paid click.
"""

from __future__ import annotations

_SHOP = "regexp_matches(campaign, '^(.*(([^a-df-z]|^)shop|shopping).*)$')"
_SEARCH = r"google|bing|yahoo|duckduckgo|ecosia|baidu|yandex|qwant|startpage|naver|seznam|brave"
_SOCIAL = (
    r"facebook|fb|instagram|ig|tiktok|twitter|x|t\.co|linkedin|pinterest|reddit|snapchat|threads|whatsapp|telegram"
    r"|tumblr|vk|weibo|quora|mastodon|bluesky"
)
_VIDEO = r"youtube|vimeo|dailymotion|twitch|disneyplus|netflix|hulu"
_SHOPPING = r"amazon|ebay|etsy|alibaba|aliexpress|walmart|shopify|idealo|shopzilla|pricegrabber"

_PAID = r"^(.*cp.*|ppc|retargeting|paid.*)$"
_SOCIAL_MEDIA = "('social', 'social-network', 'social-media', 'sm', 'social network', 'social media')"
_EMAIL = "('email', 'e-mail', 'e_mail', 'e mail')"


def _site(names: str) -> str:
    """Tell a site by a word of its name: google, google.de, www.google.com, google-ads, but not googly."""
    return f"regexp_matches(source, '(^|[^a-z0-9])({names})([^a-z0-9]|$)')"


_RULES = (
    ("Direct", "source = '(direct)' AND medium IN ('(not set)', '(none)')"),
    ("Cross-network", "contains(campaign, 'cross-network')"),
    (
        "Paid Shopping",
        f"({_site(_SHOPPING)} OR {_SHOP}) AND paid",
    ),
    ("Paid Search", f"{_site(_SEARCH)} AND paid"),
    ("Paid Social", f"{_site(_SOCIAL)} AND paid"),
    ("Paid Video", f"{_site(_VIDEO)} AND paid"),
    ("Display", "medium IN ('display', 'banner', 'expandable', 'interstitial', 'cpm')"),
    ("Paid Other", "paid"),
    ("Organic Shopping", f"{_site(_SHOPPING)} OR {_SHOP}"),
    (
        "Organic Social",
        f"{_site(_SOCIAL)} OR medium IN {_SOCIAL_MEDIA}",
    ),
    ("Organic Video", f"{_site(_VIDEO)} OR contains(medium, 'video')"),
    ("Organic Search", f"{_site(_SEARCH)} OR medium = 'organic'"),
    ("Email", f"source IN {_EMAIL} OR medium IN {_EMAIL}"),
    ("Affiliates", "medium IN ('affiliate', 'affiliates')"),
    ("Referral", "medium IN ('referral', 'app', 'link')"),
    ("Audio", "medium = 'audio'"),
    ("SMS", "source = 'sms' OR medium = 'sms'"),
    (
        "Mobile Push Notifications",
        "ends_with(medium, 'push') OR contains(medium, 'mobile') OR contains(medium, 'notification')",
    ),
    # What follows decides only where nothing was said in the URL.
    ("Unassigned", "said"),
    ("Paid Search", "click_network IN ('Google', 'Microsoft')"),
    ("Display", "click_network = 'DoubleClick'"),
    ("Paid Social", "click_network IN ('TikTok', 'Twitter')"),
    ("Organic Social", "click_network = 'Facebook'"),
    ("Paid Other", "click_network IS NOT NULL"),
    ("Organic Search", "refr_medium = 'search'"),
    ("Organic Social", "refr_medium = 'social'"),
    ("Email", "refr_medium = 'email'"),
    ("Paid Other", "refr_medium = 'paid'"),
    ("Referral", "refr_medium = 'unknown'"),
    ("Direct", "true"),
)


def with_channel(rows: str) -> str:
    """Give a SQL query that adds `channel` to rows.

    Args:
        rows: A relation with `mkt_medium`, `mkt_source`, `mkt_campaign`, `click_network`, `refr_medium`.
    """
    cases = "\n".join(f"WHEN {condition} THEN '{channel}'" for channel, condition in _RULES)
    return f"""
        SELECT * EXCLUDE (medium, source, campaign, said, paid), CASE {cases} END AS channel
        FROM (
            SELECT *, regexp_matches(medium, '{_PAID}') AS paid, concat(medium, source, campaign) <> '' AS said
            FROM (
                SELECT *, lower(trim(coalesce(mkt_medium, ''))) AS medium,
                    lower(trim(coalesce(mkt_source, ''))) AS source,
                    lower(trim(coalesce(mkt_campaign, ''))) AS campaign
                FROM {rows}
            )
        )
    """
