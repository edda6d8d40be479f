"""How somebody comes to the website: by an advertisement, a search engine, a letter, a link, or by heart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from workspace.demo.clickstream.campaigns import ADS, ADS_OF, KEYWORDS, PLATFORMS, click_id

if TYPE_CHECKING:
    from random import Random

PAID_SEARCH, PAID_SOCIAL, EMAIL = "Paid Search", "Paid Social", "Email"
ORGANIC_SEARCH, ORGANIC_SOCIAL, REFERRAL, DIRECT = "Organic Search", "Organic Social", "Referral", "Direct"

# Where somebody comes from: an advertisement by its platform's place, and all else.
WAYS = (0, 1, 2, 3, "organic", "social", "referral", "email", "direct")
Way = int | str
ANONYMOUS = (15, 11, 7, 4, 30, 8, 9, 2, 14)
KNOWN = (7, 4, 2, 1, 20, 3, 4, 19, 40)
BY_SIGNUP: dict[str, Way] = {
    "organic": "organic",
    "google_ads": 0,
    "facebook_ads": 1,
    "tiktok_ads": 2,
    "twitter_ads": 3,
    "referral": "referral",
    "newsletter": "email",
}
# The share of bookings that an advertisement of each platform truly causes.
DRIVEN = (0.13, 0.09, 0.04, 0.025)

NEWSLETTERS = ("Herbstgefühl 2026", "welcome-series", "last-minute")
_ENGINES = (("www.google.com", "Google"), ("www.bing.com", "Bing"), ("duckduckgo.com", "DuckDuckGo"))
_SOCIAL = (("www.instagram.com", "Instagram"), ("www.pinterest.com", "Pinterest"), ("m.facebook.com", "Facebook"))
_FRIENDS = ("www.hochzeitsplaner.example", "blog.partyideen.example", "news.eventbranche.example")
_FROM_AD = (
    ("www.google.com", "search", "Google"),
    ("l.facebook.com", "social", "Facebook"),
    ("", "", ""),
    ("t.co", "social", "Twitter"),
)


@dataclass(frozen=True, slots=True)
class Landing:
    """How a visit begins.

    Attributes:
        channel: The group that the visit belongs to, in the words of GA4.
        query: What its link adds to the address.
        market: The `mkt_` fields that enrich fills from that.
        referrer: The `refr_` fields, and `page_referrer`.
        click: The number of the click on an advertisement, -1 if it was none.
        platform: The place of the advertisement's platform.
    """

    channel: str
    query: str
    market: dict[str, str]
    referrer: dict[str, str]
    click: int = -1
    platform: int = -1


def _referrer(host: str, medium: str, source: str = "", path: str = "/") -> dict[str, str]:
    if not host:
        return {}
    return {
        "page_referrer": f"https://{host}{path}",
        "refr_urlscheme": "https",
        "refr_urlhost": host,
        "refr_urlport": "443",
        "refr_urlpath": path,
        "refr_medium": medium,
        "refr_source": source,
    }


_DIRECT = Landing(DIRECT, "", {}, {})


def land(rng: Random, way: Way) -> Landing:
    """Come without an advertisement."""
    if way == "organic":
        host, name = rng.choices(_ENGINES, (88, 8, 4))[0]
        return Landing(ORGANIC_SEARCH, "", {}, _referrer(host, "search", name))
    if way == "social":
        host, name = rng.choice(_SOCIAL)
        return Landing(ORGANIC_SOCIAL, "", {}, _referrer(host, "social", name))
    if way == "referral":
        return Landing(REFERRAL, "", {}, _referrer(rng.choice(_FRIENDS), "unknown", path="/tips"))
    if way == "email":
        campaign = rng.choice(NEWSLETTERS)
        query = f"utm_source=newsletter&utm_medium=email&utm_campaign={quote(campaign)}"
        market = {"mkt_source": "newsletter", "mkt_medium": "email", "mkt_campaign": campaign}
        return Landing(EMAIL, query, market, {})
    return _DIRECT


def draw_ad(rng: Random, platform: int) -> int:
    """Draw an advertisement of a platform; the earlier ones are shown more."""
    ads = ADS_OF[platform]
    return ads[int(rng.random() ** 1.5 * len(ads))]


def land_by_ad(rng: Random, seed: int, ad: int, click: int) -> Landing:
    """Come by a click on an advertisement."""
    shown = ADS[ad]
    platform = PLATFORMS[shown.platform]
    number = click_id(seed, shown.platform, click)
    term = rng.choice(KEYWORDS) if platform.name == "google" else ""
    query = f"utm_source={platform.name}&utm_medium={platform.medium}&utm_campaign={shown.campaign}"
    query += f"&utm_content={shown.id}" + (f"&utm_term={term}" if term else "") + f"&{platform.parameter}={number}"
    market = {
        "mkt_source": platform.name,
        "mkt_medium": platform.medium,
        "mkt_campaign": shown.campaign,
        "mkt_content": shown.id,
        "mkt_term": term.replace("+", " "),
        "mkt_clickid": number,
        "mkt_network": platform.network,
    }
    channel = PAID_SEARCH if platform.medium == "cpc" else PAID_SOCIAL
    return Landing(channel, query, market, _referrer(*_FROM_AD[shown.platform]), click, shown.platform)
