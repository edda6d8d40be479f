"""Browsers, and machines that pretend to be some; where they stand."""

from __future__ import annotations

import json
from dataclasses import dataclass

from workspace.demo.names import CITIES


@dataclass(frozen=True, slots=True)
class Device:
    """A browser on a device.

    Attributes:
        weight: How common it is.
        fields: Its part of an enriched line.
        derived: Its `derived_contexts`.
        bot: Whether a machine is behind it.
        view: Width and height of the window.
    """

    weight: int
    fields: dict[str, str]
    derived: str
    view: tuple[int, int]
    bot: bool = False


_CHROME = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 {}Safari/537.36"
_WINDOWS, _MAC, _ANDROID = "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "Linux; Android 10; K"
_KIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_IOS = f"Mozilla/5.0 ({{}}; CPU {{}} OS {{}} like Mac OS X) {_KIT} Version/{{}} Mobile/15E148 Safari/604.1"
_MAC_SAFARI = f"Mozilla/5.0 ({_MAC}) {_KIT} Version/18.6 Safari/605.1.15"
_EDGE = " Edg/141.0.0.0"
_FIREFOX = f"Mozilla/5.0 ({_WINDOWS}; rv:143.0) Gecko/20100101 Firefox/143.0"
_CONTEXTS = "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-1"


def _device(  # one line of the table below
    weight: int, agent: str, browser: tuple[str, str], kind: tuple[str, str], screen: tuple[int, int]
) -> Device:
    name, version = browser
    system, form = kind
    mobile = form != "Desktop"
    makers = {
        "Mac OS X": "Apple Inc.",
        "iOS": "Apple Inc.",
        "Windows": "Microsoft Corporation",
        "Android": "Google Inc.",
    }
    engine = {"Firefox": "GECKO", "Safari": "WEBKIT"}.get(name, "BLINK")
    width = screen[0] if mobile else screen[0] - 16
    height = screen[1] - (110 if mobile else 160)
    fields = {
        "useragent": agent,
        "br_name": f"{name} {version}",
        "br_family": name,
        "br_version": f"{version}.0",
        "br_type": "Browser (mobile)" if mobile else "Browser",
        "br_renderengine": engine,
        "br_cookies": "1",
        "br_colordepth": "30" if system == "Mac OS X" else "24",
        "br_viewwidth": str(width),
        "br_viewheight": str(height),
        "os_name": system,
        "os_family": system,
        "os_manufacturer": makers.get(system, "Other"),
        "dvce_type": {"Desktop": "Computer", "Phone": "Mobile", "Tablet": "Tablet"}[form],
        "dvce_ismobile": "1" if mobile else "0",
        "dvce_screenwidth": str(screen[0]),
        "dvce_screenheight": str(screen[1]),
        "doc_charset": "UTF-8",
    }
    yauaa = {
        "deviceClass": form,
        "deviceName": {"Phone": "Phone", "Tablet": "Tablet"}.get(form, "Desktop"),
        "operatingSystemClass": "Mobile" if mobile else "Desktop",
        "operatingSystemName": system,
        "agentClass": "Browser",
        "agentName": name,
        "agentVersion": version,
        "agentNameVersion": f"{name} {version}",
    }
    return Device(weight, fields, _derived(yauaa, robot=False), (width, height))


def _derived(yauaa: dict[str, str], *, robot: bool) -> str:
    iab: dict[str, object] = {
        "spiderOrRobot": robot,
        "category": "SPIDER_OR_ROBOT" if robot else "BROWSER",
        "reason": "FAILED_UA_INCLUDE" if robot else "PASSED_ALL",
        "primaryImpact": "PAGE_AND_AD_IMPRESSIONS" if robot else "NONE",
    }
    entities = [
        {"schema": "iglu:nl.basjes/yauaa_context/jsonschema/1-0-0", "data": yauaa},
        {"schema": "iglu:com.iab.snowplow/spiders_and_robots/jsonschema/1-0-0", "data": iab},
    ]
    return json.dumps({"schema": _CONTEXTS, "data": entities}, separators=(",", ":"))


def _bot(weight: int, agent: str, name: str, *, listed: bool, known: bool) -> Device:
    """Describe a machine; not every one is on the list of the IAB, nor known by its name to the parser of agents."""
    fields = {
        "useragent": agent,
        "br_cookies": "0",
        "br_colordepth": "24",
        "br_viewwidth": "1024",
        "br_viewheight": "1024",
        "dvce_screenwidth": "1024",
        "dvce_screenheight": "1024",
        "doc_charset": "UTF-8",
    }
    yauaa = {
        "deviceClass": "Robot" if known else "Desktop",
        "operatingSystemClass": "Cloud" if known else "Desktop",
        "agentClass": "Robot" if known else "Browser",
        "agentName": name,
    }
    return Device(weight, fields, _derived(yauaa, robot=listed), (1024, 1024), bot=True)


DEVICES = (
    _device(22, _CHROME.format(_WINDOWS, 141, ""), ("Chrome", "141"), ("Windows", "Desktop"), (1920, 1080)),
    _device(9, _CHROME.format(_WINDOWS, 141, "") + _EDGE, ("Edge", "141"), ("Windows", "Desktop"), (1536, 864)),
    _device(10, _CHROME.format(_MAC, 141, ""), ("Chrome", "141"), ("Mac OS X", "Desktop"), (1512, 982)),
    _device(9, _MAC_SAFARI, ("Safari", "18"), ("Mac OS X", "Desktop"), (1440, 900)),
    _device(5, _FIREFOX, ("Firefox", "143"), ("Windows", "Desktop"), (1920, 1080)),
    _device(22, _IOS.format("iPhone", "iPhone", "18_6", "18.6"), ("Safari", "18"), ("iOS", "Phone"), (390, 844)),
    _device(4, _IOS.format("iPad", "", "17_7", "17.7"), ("Safari", "17"), ("iOS", "Tablet"), (820, 1180)),
    _device(19, _CHROME.format(_ANDROID, 141, "Mobile "), ("Chrome", "141"), ("Android", "Phone"), (412, 915)),
)
BOTS = (
    _bot(
        *(5, "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot"),
        listed=True,
        known=True,
    ),
    _bot(
        *(3, "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "Bingbot"),
        listed=True,
        known=True,
    ),
    _bot(
        *(2, "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", "AhrefsBot"),
        listed=False,
        known=True,
    ),
    _bot(2, "Mozilla/5.0 (compatible; PriceSpider/1.3; crawler)", "PriceSpider", listed=False, known=False),
)
WEIGHTS = [device.weight for device in DEVICES]
BOT_WEIGHTS = [device.weight for device in BOTS]

# Latitude, longitude, region, time zone of each city.
_PLACES = (
    ("52.52", "13.405", "BE", "Europe/Berlin"),
    ("51.5074", "-0.1278", "ENG", "Europe/London"),
    ("40.7128", "-74.006", "NY", "America/New_York"),
    ("47.3769", "8.5417", "ZH", "Europe/Zurich"),
    ("52.2297", "21.0122", "14", "Europe/Warsaw"),
    ("59.3293", "18.0686", "AB", "Europe/Stockholm"),
    ("50.0755", "14.4378", "10", "Europe/Prague"),
    ("48.8566", "2.3522", "IDF", "Europe/Paris"),
    ("48.1351", "11.582", "BY", "Europe/Berlin"),
    ("37.9838", "23.7275", "I", "Europe/Athens"),
    ("53.5511", "9.9937", "HH", "Europe/Berlin"),
    ("53.4808", "-2.2426", "ENG", "Europe/London"),
    ("46.2044", "6.1432", "GE", "Europe/Zurich"),
    ("50.0647", "19.945", "12", "Europe/Warsaw"),
)
GEO = tuple(
    {
        "geo_country": city.country,
        "geo_region": region,
        "geo_city": city.name,
        "geo_latitude": latitude,
        "geo_longitude": longitude,
        "geo_timezone": zone,
        "os_timezone": zone,
        "br_lang": city.locale,
    }
    for city, (latitude, longitude, region, zone) in zip(CITIES, _PLACES, strict=True)
)
