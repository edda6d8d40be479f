"""How somebody comes to the website: by an advertisement, a search engine, a letter, a link, or by heart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from workspace.demo.clickstream.campaigns import ADS, ADS_OF, KEYWORDS, PLATFORMS, click_id

if TYPE_CHECKING:
    from datetime import date
    from random import Random

PAID_SEARCH, PAID_SOCIAL, EMAIL = "Paid Search", "Paid Social", "Email"
ORGANIC_SEARCH, ORGANIC_SOCIAL, REFERRAL, DIRECT = "Organic Search", "Organic Social", "Referral", "Direct"

# Where somebody comes from: an advertisement by its platform's place, and all else.
WAYS = (0, 1, 2, 3, "organic", "social", "referral", "email", "direct")
Way = int | str
ANONYMOUS = (15, 11, 7, 4, 30, 8, 9, 2, 14)
KNOWN = (3, 2, 0.8, 0.5, 23, 3, 4, 19, 45)
# To a booking that no advertisement caused: few come by one all the same, and would have booked without.
DECIDED = (0.2, 0.4, 0.1, 0.1, 20, 3, 4, 19, 40)
# Back to book what an advertisement has shown earlier: often by the letter that reminds of it.
REMINDED = (17, 2, 2, 52, 27)
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
DRIVEN = (0.13, 0.09, 0.045, 0.035)

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
        click: The number of the click on an advertisement or in a letter, -1 if it was none.
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


def draw_ad(rng: Random, platform: int, today: date) -> int:
    """Draw an advertisement of a platform that runs all day; the earlier ones are shown more."""
    ads = ADS_OF[platform]
    while True:
        ad = ads[int(rng.random() ** 1.5 * len(ads))]
        if ADS[ad].campaign.runs(today):
            return ad


def land_by_ad(rng: Random, seed: int, shown: tuple[int, date], click: int) -> Landing:
    """Come by a click on an advertisement, on some day; what the link tells depends on the account's habits."""
    ad, today = ADS[shown[0]], shown[1]
    platform, campaign = PLATFORMS[ad.platform], ad.campaign
    utm = {"source": platform.name, "medium": platform.medium}
    if campaign.tags == "ids":
        utm |= {"campaign": campaign.id, "content": ad.id}
    elif campaign.tags == "name":
        utm["campaign"] = campaign.name_on(today)
    elif campaign.tags == "shortened":
        utm["campaign"] = campaign.slug
    else:
        utm = {}
    if utm and platform.name == "google":
        utm["term"] = rng.choice(KEYWORDS).replace("+", " ")
    market = {f"mkt_{name}": value for name, value in utm.items()}
    query = "&".join(f"utm_{name}={quote_plus(value)}" for name, value in utm.items())
    if campaign.tags != "shortened":  # such a link keeps nothing that the platform adds to it
        number = click_id(seed, ad.platform, click)
        query += f"{'&' if query else ''}{platform.parameter}={number}"
        market |= {"mkt_clickid": number, "mkt_network": platform.network}
    channel = PAID_SEARCH if platform.medium == "cpc" else PAID_SOCIAL
    return Landing(channel, query, market, _referrer(*_FROM_AD[ad.platform]), click, ad.platform)
