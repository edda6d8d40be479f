"""A number typed as text is read in the one way it can be meant, or refused with both ways."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workspace.sources.sheets.numbers import UnreadableError, fitted, number, whole

BLANK = "\u00a0"
NARROW = "\u202f"


def grouped(value: Decimal, places: int, group: str, mark: str) -> str:
    return f"{value:,.{places}f}".replace(",", "g").replace(".", mark).replace("g", group)


def read(text: str, currency: str = "") -> Decimal | str:
    """Give the number, or the beginning of why there is none."""
    try:
        return number(text, currency=currency)
    except UnreadableError as error:
        return str(error).removeprefix("has ").partition(",")[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.234,56", "1234.56"),
        ("1,234.56", "1234.56"),
        ("1 234,56", "1234.56"),
        (f"1{BLANK}234{NARROW}567,8", "1234567.8"),
        ("12 500", "12500"),
        ("12'500.5", "12500.5"),
        ("12\u2019500", "12500"),
        ("1.234.567", "1234567"),
        ("1,234,567.089", "1234567.089"),
        ("0,125", "0.125"),
        ("0.125", "0.125"),
        ("1234,567", "1234.567"),
        (",5", "0.5"),
        ("-3", "-3"),
        ("\u22123,5", "-3.5"),
        ("- 3", "-3"),
        ("3-", "-3"),
        ("(1.234,5)", "-1234.5"),
        ("+7", "7"),
        ("12 %", "0.12"),
        ("12,5%", "0.125"),
        ("\uff11\uff12", "12"),
        ("007", "7"),
    ],
)
def test_what_has_one_reading_is_read(text: str, value: str) -> None:
    assert number(text) == Decimal(value)


@pytest.mark.parametrize(("text", "comma", "stop"), [("1.234", "1234", "1.234"), ("12,500", "12.5", "12500")])
def test_what_has_two_readings_is_refused_until_somebody_says_which(text: str, comma: str, stop: str) -> None:
    with pytest.raises(UnreadableError, match=r"two readings, \d+ and [\d.]+; decimal = "):
        number(text)
    assert number(text, decimal=",") == Decimal(comma)
    assert number(text, decimal=".") == Decimal(stop)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "tbd",
        "n/a",
        "12a",
        "1e5",
        "5\u00b2",
        "\u00bd",
        "1.2.3",
        "1,23,456",
        "12 34",
        "1.234,5.6",
        "1,2,3",
        "--5",
        "5,",
        "1.,5",
        "ca. 500",
        "12 500 000 EUR p.a.",
        "2 x 500",
        "1 234'567",
        "inf",
        "nan",
        "0x10",
        "%",
        "5 %%",
        "( 5",
    ],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError, match=r"not a number|not grouped|amount in"):
        number(text)


@pytest.mark.parametrize(
    "text", ["€ 1.200,00", "1.200,00 €", "EUR 1.200,00", "-€1.200,00", "(1.200,00 EUR)", "€-1.200,00"]
)
def test_the_columns_own_currency_may_stand_there(text: str) -> None:
    assert abs(number(text, currency="EUR")) == 1200


@pytest.mark.parametrize(
    ("text", "currency", "message"),
    [
        ("$ 5", "EUR", "in USD, and the column is in EUR"),
        ("5 GBP", "EUR", "in GBP, and the column is in EUR"),
        ("€ 5", "", "in EUR, and the column has no currency"),
        ("€ 5 EUR", "EUR", "both sides"),
        ("5 pcs", "EUR", "not a number"),
    ],
)
def test_another_currency_is_refused(text: str, currency: str, message: str) -> None:
    with pytest.raises(UnreadableError, match=message):
        number(text, currency=currency)


def test_a_sign_is_that_of_each_of_its_currencies() -> None:
    assert number("$5", currency="CAD") == number("$5", currency="USD") == 5


def test_what_the_lake_cannot_hold_is_refused() -> None:
    assert fitted(Decimal("1.23456789")) == Decimal("1.234568")
    assert fitted(Decimal("999999999999.999999")) == Decimal("999999999999.999999")
    with pytest.raises(UnreadableError, match="too large"):
        fitted(Decimal(10**12))
    assert whole(Decimal("12.0")) == 12
    with pytest.raises(UnreadableError, match="not a whole number"):
        whole(Decimal("12.5"))
    with pytest.raises(UnreadableError, match="too large"):
        whole(Decimal(2**63))
    with pytest.raises(UnreadableError, match="percentage"):
        number("12 %", percent=False)


VALUES = st.decimals(min_value=-(10**11), max_value=10**11, places=6, allow_nan=False)
GROUPS = st.sampled_from(
    [("", "."), ("", ","), (",", "."), (".", ","), (" ", ","), (" ", "."), ("'", "."), (BLANK, ",")]
)


@given(VALUES, GROUPS, st.integers(0, 6))
@example(Decimal("1.234"), ("", "."), 3)
@example(Decimal(1234), (".", ","), 0)
def test_a_written_number_is_read_back_or_refused_and_never_another(
    value: Decimal, written: tuple[str, str], places: int
) -> None:
    value = value.quantize(Decimal(1).scaleb(-places))
    text = grouped(value, places, *written)
    assert read(text) in (value, "two readings")


@given(VALUES, GROUPS, st.integers(0, 6))
def test_with_the_decimal_mark_told_every_written_number_is_read(
    value: Decimal, written: tuple[str, str], places: int
) -> None:
    value = value.quantize(Decimal(1).scaleb(-places))
    assert number(grouped(value, places, *written), decimal=written[1]) == value


@given(st.text(alphabet="0123456789.,' -+()%€$eE\u00a0\u2212\u00b2", max_size=14))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    found = read(text, currency="EUR")
    assert isinstance(found, str) or (found.is_finite() and (found != 0) == any(each in "123456789" for each in text))
