"""Every booking of the time in which the website is watched, a few bytes each: who, when, and what it is worth."""

from __future__ import annotations

from array import array
from typing import NamedTuple

PENDING = -1


class Sale(NamedTuple):
    """A booking.

    Attributes:
        number: Counts the company's bookings.
        at: When it was made, in milliseconds of the epoch.
        user: Whose, by number.
        city: The place of the city whose money it is paid in.
        gross: Its worth before any discount, in cents.
        total: What the customer owes.
        settled: When it stopped to be pending, `PENDING` if it is.
    """

    number: int
    at: int
    user: int
    city: int
    gross: int
    total: int
    settled: int


class Sales:
    """The bookings, by consecutive numbers, and how their amounts were changed while they were pending."""

    def __init__(self) -> None:
        self.first = 0  # the number of the first
        self.at = array("q")
        self.user = array("q")
        self.city = array("B")
        self.gross = array("q")
        self.total = array("q")
        self.settled = array("q")
        self.amended = array("q")  # the booking of a change, ...
        self.amended_at = array("q")  # when, ...
        self.amended_gross = array("q")  # and what the booking is worth since
        self.amended_total = array("q")

    def __len__(self) -> int:
        return len(self.at)

    def add(self, number: int, at: int, user: int, city: int, amounts: tuple[int, int]) -> None:
        """Enter a booking, with its amounts before and after a discount."""
        if not self.at:
            self.first = number
        self.at.append(at)
        self.user.append(user)
        self.city.append(city)
        self.gross.append(amounts[0])
        self.total.append(amounts[1])
        self.settled.append(PENDING)

    def amend(self, number: int, at: int, amounts: tuple[int, int]) -> None:
        """Enter new amounts; those of bookings that nobody watched are of no interest."""
        if self.at and number >= self.first:
            self.amended.append(number)
            self.amended_at.append(at)
            self.amended_gross.append(amounts[0])
            self.amended_total.append(amounts[1])

    def settle(self, number: int, at: int) -> None:
        """Enter that a booking is no longer pending."""
        if self.at and number >= self.first:
            self.settled[number - self.first] = at

    def made(self, place: int) -> Sale:
        """Give a booking by its place, as it was when it was made."""
        return Sale(
            self.first + place,
            self.at[place],
            self.user[place],
            self.city[place],
            self.gross[place],
            self.total[place],
            self.settled[place],
        )

    def now(self) -> list[Sale]:
        """Give all bookings as they are by now."""
        sales = [self.made(place) for place in range(len(self))]
        for number, gross, total in zip(self.amended, self.amended_gross, self.amended_total, strict=True):
            place = number - self.first
            sales[place] = sales[place]._replace(gross=gross, total=total)
        return sales
