"""Users: they sign up, come back, move, change their minds, and leave."""

from __future__ import annotations

import base64
import json
from array import array
from typing import TYPE_CHECKING

from workspace.demo.ledger import month, reporting_day
from workspace.demo.names import CHANNEL_WEIGHTS, CHANNELS, CITIES, person
from workspace.demo.schema import COLUMNS
from workspace.demo.world import AVERAGE_SEASON, DAY, DAY_ZERO, LENGTH, World, season

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workspace.demo.world import Handler, Step

AT_FIRST = 1_000
SIGNUPS = 7_000
# Changes a day per 1.0 of scale.
VISITS, TOUCHES, REWRITES, MOVES, EMAILS, PHONES, CONSENTS, PAUSES, FAREWELLS = 15, 6, 4, 4, 2, 2, 3, 0.5, 0.35
GRACE = 30 * DAY  # from the request to be deleted to the deletion

LAPSED, AWAY, ANSWERED, WORDY = 1, 2, 4, 8
# Of users whose first reply from a vendor came in time, and of those who waited longer than PATIENCE for it.
LAPSE, LAPSE_LATE = 0.3, 0.6
LAPSE_HOURS = 48

_CHANNEL = COLUMNS["users"].split().index("signup_channel")
_CITIES = range(len(CITIES))
_WEIGHTS = [city.weight for city in CITIES]
_COUNTRIES = sorted({city.country for city in CITIES})


class People:
    """What the simulation has to remember of each user, a few bytes each.

    Attributes:
        city: Each user's home, as an index into the cities.
        flags: LAPSED, AWAY (suspended, or leaving), ANSWERED (has had a first reply), WORDY (long preferences).
        devices: How many devices each has.
        joined: The reporting day of each one's signing up, as its ordinal.
        residents: Users by country of their first home.
    """

    def __init__(self) -> None:
        self.city = bytearray()
        self.flags = bytearray()
        self.devices = bytearray()
        self.joined = array("I")
        self.residents: dict[str, array[int]] = {country: array("I") for country in _COUNTRIES}

    def draw(self, world: World, country: str) -> int | None:
        """Draw somebody who may book, mostly from the given country."""
        rng = world.rng
        near = self.residents[country]
        for _ in range(40):
            user = rng.choice(near) if near and rng.random() < 0.85 else rng.randrange(len(self.flags))
            if not self.flags[user] & (LAPSED | AWAY):
                return user
        return None

    def answer(self, world: World, user: int, waited: int) -> None:
        """Note a vendor's reply to a user; the first one decides whether the user ever books again."""
        if self.flags[user] & ANSWERED:
            return
        self.flags[user] |= ANSWERED
        late = waited > LAPSE_HOURS * DAY // 24
        world.ledger.noted["late first replies" if late else "timely first replies"] += 1
        if world.rng.random() < (LAPSE_LATE if late else LAPSE):
            self.flags[user] |= LAPSED


def found(world: World) -> Iterator[Step]:
    """Make those who were users before the first day."""
    world.people = People()
    for _ in range(max(20, round(AT_FIRST * world.scale))):
        at = DAY_ZERO - int(world.rng.random() ** 2 * 360 * DAY) - DAY // 24
        yield from _join(world, at)


def _join(world: World, at: int) -> list[Step]:
    rng, people = world.rng, world.people
    user = len(people.city)
    city = rng.choices(_CITIES, _WEIGHTS)[0]
    home, when, uuid = CITIES[city], world.stamp(at), world.identity("user", user)
    devices = rng.choices((1, 2, 3), (75, 20, 5))[0]
    wordy = rng.random() < 0.1
    people.city.append(city)
    people.flags.append(WORDY if wordy else 0)
    people.devices.append(devices)
    people.joined.append(reporting_day(at))
    people.residents[home.country].append(user)
    world.ledger.users[month(people.joined[user])] += 1
    profile = (uuid, f"user{user}@example.com", person(rng), _phone(world) if rng.random() < 0.8 else None)
    place = (home.country, home.name, home.locale, rng.choices(CHANNELS, CHANNEL_WEIGHTS)[0])
    role = "vendor" if rng.random() < 0.04 else "customer"
    steps: list[Step] = [("add_users", (*profile, *place, rng.random() < 0.6, "active", role, when, when), 1)]
    steps += [
        ("add_user_devices", (uuid, world.identity("device", user, part), when, when), 1) for part in range(devices)
    ]
    steps.append(("add_user_preferences", (uuid, _preferences(world, wordy=wordy), when), 1))
    return steps


def _phone(world: World) -> str:
    return f"+49 30 {world.rng.randrange(10**6, 10**7)}"


def _preferences(world: World, *, wordy: bool) -> str:
    """Write somebody's preferences; the wordy ones do not fit into a page, and do not compress."""
    rng = world.rng
    content: dict[str, object] = {
        "language": rng.choice(("de", "en", "fr", "pl", "el")),
        "theme": rng.choice(("light", "dark")),
        "newsletter": {"weekly": rng.random() < 0.5, "topics": rng.sample(("weddings", "music", "food", "deals"), 2)},
    }
    if wordy:
        content["layout"] = base64.b64encode(rng.randbytes(rng.randrange(2_000, 5_000))).decode()
    return json.dumps(content)


def begin_day(world: World) -> None:
    """Enter the day's visits and changes of mind into the agenda."""
    today = world.today
    busy = season(today)
    signups = SIGNUPS * world.scale / LENGTH * busy / AVERAGE_SEASON
    rates = {
        "sign_up": signups,
        "visit": VISITS * world.scale * busy,
        "touch_preferences": TOUCHES * world.scale * busy,
        "rewrite_preferences": REWRITES * world.scale * busy,
        "move": MOVES * world.scale * busy,
        "change_email": EMAILS * world.scale * busy,
        "change_phone": PHONES * world.scale * busy,
        "change_consent": CONSENTS * world.scale * busy,
        "suspend": PAUSES * world.scale * busy,
        "say_farewell": FAREWELLS * world.scale * busy,
    }
    for kind, mean in rates.items():
        for _ in range(world.how_many(mean) if busy else 0):
            world.plan(world.moment(), kind)


def _somebody(world: World) -> tuple[int, str] | None:
    """Draw a user who is not suspended or leaving."""
    for _ in range(40):
        user = world.rng.randrange(len(world.people.flags))
        if not world.people.flags[user] & AWAY:
            return user, world.identity("user", user)
    return None


def _sign_up(world: World, _: object) -> Sequence[Step]:
    steps = _join(world, world.now)
    world.witness("signed_up", len(world.people.city) - 1, steps[0][1][_CHANNEL])
    return steps


def _visit(world: World, _: object) -> Sequence[Step]:
    if not (who := _somebody(world)):
        return ()
    user, uuid = who
    part = world.rng.randrange(world.people.devices[user])
    world.witness("seen", user, part)
    return (("see_device", (uuid, world.identity("device", user, part), world.stamp()), 1),)


def _touch_preferences(world: World, _: object) -> Sequence[Step]:
    if not (who := _somebody(world)):
        return ()
    if world.people.flags[who[0]] & WORDY:
        world.ledger.noted["long preferences left alone by an update"] += 1
    return (("touch_preferences", (who[1], world.stamp()), 1),)


def _rewrite_preferences(world: World, _: object) -> Sequence[Step]:
    if not (who := _somebody(world)):
        return ()
    wordy = bool(world.people.flags[who[0]] & WORDY)
    world.ledger.noted["long preferences rewritten"] += wordy
    return (("set_preferences", (who[1], _preferences(world, wordy=wordy), world.stamp()), 1),)


def _move(world: World, _: object) -> Sequence[Step]:
    if not (who := _somebody(world)):
        return ()
    user, uuid = who
    city = world.people.city[user] = world.rng.choices(_CITIES, _WEIGHTS)[0]
    return (("set_user_city", (uuid, CITIES[city].country, CITIES[city].name, world.stamp()), 1),)


def _change_email(world: World, _: object) -> Sequence[Step]:
    if not (who := _somebody(world)):
        return ()
    address = f"user{who[0]}.{world.rng.randrange(10_000)}@example.org"
    return (("set_user_email", (who[1], address, world.stamp()), 1),)


def _change_phone(world: World, _: object) -> Sequence[Step]:
    if not (who := _somebody(world)):
        return ()
    number = _phone(world) if world.rng.random() < 0.9 else None
    return (("set_user_phone", (who[1], number, world.stamp()), 1),)


def _change_consent(world: World, _: object) -> Sequence[Step]:
    if not (who := _somebody(world)):
        return ()
    return (("set_user_consent", (who[1], world.stamp()), 1),)


def _suspend(world: World, _: object) -> Sequence[Step]:
    if not (who := _somebody(world)):
        return ()
    user, uuid = who
    world.people.flags[user] |= AWAY
    world.plan(world.now + int(world.rng.uniform(1, 20) * DAY), "reinstate", user)
    return (("set_user_status", (uuid, "suspended", world.stamp()), 1),)


def _reinstate(world: World, user: int) -> Sequence[Step]:
    world.people.flags[user] &= ~AWAY
    return (("set_user_status", (world.identity("user", user), "active", world.stamp()), 1),)


def _say_farewell(world: World, _: object) -> Sequence[Step]:
    if not (who := _somebody(world)):
        return ()
    user, uuid = who
    world.people.flags[user] |= AWAY
    world.plan(world.now + GRACE, "delete_user", user)
    return (("set_user_status", (uuid, "deleted", world.stamp()), 1),)


def _delete_user(world: World, user: int) -> Sequence[Step]:
    """Delete somebody for good; what they booked stays."""
    uuid = world.identity("user", user)
    world.ledger.users[month(world.people.joined[user])] -= 1
    world.ledger.noted["users deleted for good"] += 1
    return (
        ("drop_devices", (uuid,), world.people.devices[user]),
        ("drop_preferences", (uuid,), 1),
        ("drop_user", (uuid,), 1),
    )


HANDLERS: dict[str, Handler] = {
    "sign_up": _sign_up,
    "visit": _visit,
    "touch_preferences": _touch_preferences,
    "rewrite_preferences": _rewrite_preferences,
    "move": _move,
    "change_email": _change_email,
    "change_phone": _change_phone,
    "change_consent": _change_consent,
    "suspend": _suspend,
    "reinstate": _reinstate,
    "say_farewell": _say_farewell,
    "delete_user": _delete_user,
}
