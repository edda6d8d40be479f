"""The words of the simulated company: its cities, its people, what they call things. All invented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random


@dataclass(frozen=True, slots=True)
class City:
    """A place with vendors and users, and the money that is paid there."""

    name: str
    country: str
    currency: str
    locale: str
    weight: int


CITIES = (
    City("Berlin", "DE", "EUR", "de-DE", 16),
    City("London", "GB", "GBP", "en-GB", 14),
    City("New York", "US", "USD", "en-US", 10),
    City("Zürich", "CH", "CHF", "de-CH", 6),
    City("Warszawa", "PL", "PLN", "pl-PL", 6),
    City("Stockholm", "SE", "SEK", "sv-SE", 6),
    City("Praha", "CZ", "CZK", "cs-CZ", 4),
    City("Paris", "FR", "EUR", "fr-FR", 9),
    City("München", "DE", "EUR", "de-DE", 9),
    City("Αθήνα", "GR", "EUR", "el-GR", 3),
    City("Hamburg", "DE", "EUR", "de-DE", 7),
    City("Manchester", "GB", "GBP", "en-GB", 4),
    City("Genève", "CH", "CHF", "fr-CH", 3),
    City("Kraków", "PL", "PLN", "pl-PL", 3),
)
# What one euro is roughly worth, so that prices look alike everywhere.
PRICE_LEVEL = {"EUR": 1.0, "GBP": 0.85, "USD": 1.15, "CHF": 0.94, "PLN": 4.3, "SEK": 11.0, "CZK": 24.5}

GIVEN = (
    *("Anna", "Björn", "Chloé", "David", "Emília", "François", "Gökçe", "Håkan", "Ines", "João", "Kateřina", "Łukasz"),
    *("Małgorzata", "Noah", "Óscar", "Priya", "Renée", "Søren", "Tomáš", "Ümit", "Vera", "William", "Zoë", "Jürgen"),
)
FAMILY = (
    *(
        "Andersson",
        "Brontë",
        "Çelik",
        "Dvořák",
        "Engström",
        "Fischer",
        "García",
        "Hughes",
        "Güneş",
        "Jönsson",
        "Kowalska",
    ),
    *("Lefèvre", "Müller", "Nowak", "O'Brien", "Peña", "Rossi", "Straßer", "Taylor", "Van der Berg", "Wójcik", "Žižka"),
)
# Full names in other scripts, written as their owners write them.
ELSEWHERE = (
    *(
        "Ελένη Παπαδοπούλου",
        "Γιώργος Νικολάου",
        "Олена Шевченко",
        "Иван Петров",
        "王小明",
        "李娜",
        "山田 花子",
        "김민준",
    ),
    *("فاطمة الزهراء", "محمد حسن", "נועה כהן", "अनिका शर्मा", "ณัฐพล ใจดี", "Nguyễn Thị Hằng"),
)
CHANNELS = ("organic", "google_ads", "facebook_ads", "tiktok_ads", "twitter_ads", "referral", "newsletter")
CHANNEL_WEIGHTS = (34, 20, 15, 8, 4, 12, 7)
METHODS = ("card", "sepa", "paypal", "apple_pay", "invoice")
CODES = ("WELCOME10", "SUMMER15", "FRIENDS5", "WEDDING20")
PERCENTS = {"WELCOME10": 10, "SUMMER15": 15, "FRIENDS5": 5, "WEDDING20": 20}
APPS = ("web", "ios", "android")
OCCASIONS = ("birthday", "corporate", "conference", "anniversary", "concert")
TAGS = ("garden", "rooftop", "historic", "accessible", "parking", "vegan", "live-music", "riverside", "family", "24h")
CATEGORIES = ("venue", "catering", "photography", "venue", "music", "decoration")
KINDS = {"venue": "space", "catering": "service", "photography": "vendor", "music": "vendor", "decoration": "service"}
VENDOR_FIRST = (
    "Alte",
    "Blue",
    "Casa",
    "Golden",
    "Grand",
    "Haus",
    "Little",
    "Nord",
    "Stara",
    "Studio",
    "Villa",
    "Étoile",
)
VENDOR_LAST = (
    "Linde",
    "Lantern",
    "Fabrik",
    "Harbour",
    "Orangerie",
    "Ogród",
    "Terrasse",
    "Källa",
    "Mill",
    "Piano",
    "Rose",
)
ROOMS = ("Great Hall", "Loft", "Salon", "Winter Garden", "Courtyard", "Gallery", "Studio", "Terrace", "Cellar", "Deck")
OFFERS = ("Basic package", "Classic package", "Full day", "Evening", "Premium package", "Weekend", "Small group")
PRAISE = (
    "Wonderful evening, we would come back.",
    "Alles bestens, sehr freundlich!",
    "Bardzo polecam, świetna obsługa.",
    "Trop cher pour ce que c'est.",
    "The sound system failed twice; the staff's help made up for it.",
    "Υπέροχος χώρος!",
    "最高でした。",
)


def person(rng: Random) -> str:
    """Draw a full name; one in eight in a script other than Latin."""
    if rng.random() < 0.125:
        return rng.choice(ELSEWHERE)
    return f"{rng.choice(GIVEN)} {rng.choice(FAMILY)}"
