"""Every line is an event whose values are what it says, or it is refused with its reason; never both, never neither."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator  # type: ignore[import-untyped]

from sources.snowplow import plain
from workspace.sources.snowplow.fields import FIELDS, REQUIRED, SCHEMA, named
from workspace.sources.snowplow.parse import Parsed, parse

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [column.name for column in FIELDS]


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().removesuffix(b"\n").split(b"\n")


def failure(parsed: Parsed) -> dict[str, Any]:
    (refused,) = parsed.refused
    found: dict[str, Any] = json.loads(refused.detail)["data"]["failure"]
    return found


def test_the_fields_are_those_of_the_format(samples: Path) -> None:
    with (samples / "fields.csv").open() as table:
        given = [(row["name"], row["type"], row["required"] == "true") for row in csv.DictReader(table)]
    assert [(column.name, column.source_type, column.name in REQUIRED) for column in FIELDS] == given


def test_real_events_are_what_their_fields_say(samples: Path) -> None:
    lines = lines_of(samples / "enriched.tsv")
    parsed = parse(lines)
    assert len(lines) == 256
    # Years -2006 and 0: what Delta's other readers hold begins with year 1, and the pipeline's own loader refuses both.
    assert [(one.index, one.reason) for one in parsed.refused] == [
        (2, "etl_tstamp is not a time of the years 1 to 9999: '-2006-10-15 09:06:35.493256951'."),
        (4, "etl_tstamp is not a time of the years 1 to 9999: '0000-01-01 09:06:35.493256951'."),
    ]
    assert parsed.rows.to_pylist() == [plain.row(lines[index]) for index in parsed.kept]
    assert sorted([*parsed.kept, 2, 4]) == list(range(256))
    assert parsed.rows.schema == SCHEMA


def test_real_broken_lines_are_refused_as_the_pipeline_refuses_them(samples: Path) -> None:
    lines = lines_of(samples / "enriched_broken.tsv")
    parsed = parse(lines)
    assert (parsed.rows.num_rows, len(parsed.kept)) == (0, 0)
    assert [one.reason for one in parsed.refused] == [
        "130 fields instead of 131.",
        "1 field instead of 131: not tab-separated.",
        "An empty line.",
        "1 field instead of 131: not tab-separated.",
        "130 fields instead of 131.",
        "129 fields instead of 131.",
    ]
    theirs = [json.loads(text) for text in lines_of(samples / "bad_rows.jsonl")]
    ours = [json.loads(one.detail) for one in parsed.refused]
    for mine, other in ((0, 0), (4, 3), (5, 4)):
        assert ours[mine]["schema"] == theirs[other]["schema"]
        assert ours[mine]["data"]["failure"] == theirs[other]["data"]["failure"]
        assert ours[mine]["data"]["payload"] == theirs[other]["data"]["payload"]


def test_what_is_refused_is_a_valid_bad_row(samples: Path) -> None:
    folder = samples / "iglu/schemas/com.snowplowanalytics.snowplow.badrows/loader_parsing_error/jsonschema"
    checked = Draft4Validator(json.loads((folder / "2-0-0").read_text()))
    wrong = {"txn_id": "x", "event_id": "", "contexts": "[]", "tr_total": "nan", "br_cookies": "yes"}
    lines = [plain.line(**wrong), b"", b"\t" * 2000, b"a\nb", plain.line()[:-3] + b"\xff\t\t", plain.line()]
    parsed = parse(lines)
    assert parsed.kept.tolist() == [5]
    for one in parsed.refused:
        checked.validate(json.loads(one.detail)["data"])
        assert (one.kind, one.raw) == ("loader_parsing_error", lines[one.index])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (plain.line() + b"\t", "132 fields instead of 131."),
        (plain.line(page_title="a\nb"), r"A line break (b'\n') within the line, at byte 132."),
        (plain.line() + b"\r", r"A line break (b'\r') within the line, at byte 231."),
        (plain.line(page_title="ä").replace(b"\xc3", b""), "Not UTF-8: a4 at byte 131, in page_title."),
        (plain.line(v_etl=""), "v_etl is required, but empty."),
        (plain.line(event_id="0" * 36), f"event_id is not a UUID: '{'0' * 36}'."),
        (plain.line(txn_id="1.0"), "txn_id is not an integer of 64 bits: '1.0'."),
        (plain.line(txn_id=str(2**63)), f"txn_id is not an integer of 64 bits: '{2**63}'."),
        (plain.line(tr_total="12,5"), "tr_total is not a finite number: '12,5'."),
        (plain.line(se_value="NaN"), "se_value is not a finite number: 'NaN'."),
        (plain.line(br_cookies="true"), "br_cookies is not 1 or 0: 'true'."),
        (
            plain.line(true_tstamp="2026-02-29 00:00:00"),
            "true_tstamp is not a time of the years 1 to 9999: '2026-02-29",
        ),
        (
            plain.line(true_tstamp="2026-01-01T00:00:00Z"),
            "true_tstamp is not a time of the years 1 to 9999: '2026-01-01T",
        ),
        (plain.line(etl_tags="\N{BOM}", tr_tax="-inf"), "tr_tax is not a finite number: '-inf'."),
        (
            plain.line(txn_id="x", ti_price="y"),
            "txn_id is not an integer of 64 bits: 'x'; ti_price is not a finite num",
        ),
    ],
)
def test_each_fault_has_its_reason_and_costs_its_line_only(line: bytes, reason: str) -> None:
    parsed = parse([plain.line(app_id="first"), line, plain.line(app_id="last")])
    assert parsed.kept.tolist() == [0, 2]
    assert parsed.rows.column("app_id").to_pylist() == ["first", "last"]
    (refused,) = parsed.refused
    assert (refused.index, refused.raw) == (1, line)
    assert refused.reason.startswith(reason)
    assert parse([line]).refused[0].reason == refused.reason


def test_the_reason_shows_no_value_that_may_be_personal() -> None:
    parsed = parse([plain.line(contexts="jane@example.org", geo_latitude="5 Garden Lane")])
    expected = "geo_latitude is not a finite number; contexts is not a JSON object."
    assert parsed.refused[0].reason == expected
    assert [error["value"] for error in failure(parsed)["errors"]] == ["5 Garden Lane", "jane@example.org"]


def test_bytes_that_are_not_utf_8_are_kept_and_can_be_read_in_the_detail() -> None:
    line = plain.line(page_title="caf").replace(b"caf", b"caf\xe9")
    (refused,) = parse([line]).refused
    assert refused.raw == line
    assert "caf\\xe9" in json.loads(refused.detail)["data"]["payload"]


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("2026-10-31 23:59:59", datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)),
        ("2021-10-14 13:54:45.811000999", datetime(2021, 10, 14, 13, 54, 45, 811000, tzinfo=UTC)),
        ("1969-12-31 23:59:59.999999999", datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
        ("0001-01-01 00:00:00.000", datetime(1, 1, 1, tzinfo=UTC)),
        ("1066-10-14 09:00:00.123456789", datetime(1066, 10, 14, 9, 0, 0, 123456, tzinfo=UTC)),
        ("9999-12-31 23:59:59.999999999", datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
        ("2026-10-31", datetime(2026, 10, 31, tzinfo=UTC)),
        ("3026-10-31T10:11", datetime(3026, 10, 31, 10, 11, tzinfo=UTC)),
    ],
)
def test_times_are_held_to_the_microsecond_from_year_1_to_9999(text: str, held: datetime) -> None:
    beside = plain.line(dvce_created_tstamp="x")  # refused, so that the careful way is gone as well
    for lines in ([plain.line(dvce_created_tstamp=text)], [beside, plain.line(dvce_created_tstamp=text)]):
        assert parse(lines).rows.column("dvce_created_tstamp").to_pylist() == [held]


def test_nothing_is_quoted_and_nothing_is_cut() -> None:
    odd = {
        "app_id": "\N{BOM}first of all",
        "page_title": '"a',
        "se_label": "\\N",
        "se_action": "NULL",
        "se_property": "nul\0 l\u2028\x0b",
        "page_url": "x" * 100_000,
        "contexts": ' {"a": "\\t"} ',
    }
    for lines in ([plain.line(**odd)], [plain.line(**odd), plain.line(txn_id="no")]):
        row = parse(lines).rows.to_pylist()[0]
        assert {name: row[name] for name in odd} == odd


@pytest.mark.parametrize("end", [b"", b"\n", b"\r", b"\n\n", b"\r\n", plain.line() + b"\n", b"\n" + plain.line()])
@pytest.mark.parametrize("first", [plain.line() + b"\n" + plain.line(), plain.line() + b"\n", b"\n" + plain.line()])
def test_rows_too_many_here_and_too_few_there_do_not_make_up_for_each_other(first: bytes, end: bytes) -> None:
    for lines in ([first, end], [first, plain.line(), end], [end, first], [end, plain.line(), first]):
        parsed = parse(lines)
        assert [lines[index] for index in parsed.kept] == [line for line in lines if line == plain.line()]
        assert len(parsed.kept) + len(parsed.refused) == len(lines)


def test_no_lines_are_no_rows() -> None:
    parsed = parse([])
    assert (parsed.rows.schema, parsed.rows.num_rows, parsed.refused) == (SCHEMA, 0, ())


_text = st.text(st.characters(exclude_characters="\t\n\r", exclude_categories=["Cs"]), min_size=1, max_size=12)
_times = st.builds(
    lambda when, digits: f"{when:%H:%M:%S}".join([f"{when.year:04}-{when:%m-%d} ", f".{digits}" if digits else ""]),
    st.datetimes(),
    st.text("0123456789", max_size=9),
)
_good: dict[str, st.SearchStrategy[str]] = {
    "string": _text,
    "timestamp": _times,
    "integer": st.integers(-(2**63), 2**63 - 1).map(str) | st.integers(0, 9).map(" {} ".format),
    "double": st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.integers(-9, 9).map(" {}".format),
    "boolean": st.sampled_from("01"),
    "uuid": st.uuids().map(str) | st.uuids().map(lambda found: str(found).upper()),
    "json": st.dictionaries(_text, _text, max_size=2).map(json.dumps),
}
_bad: dict[str, st.SearchStrategy[str]] = {
    "timestamp": st.sampled_from(["0000-01-01 00:00:00", "-2006-10-15 09:06:35", "2026-13-01 00:00:00", "1", "soon"]),
    "integer": st.sampled_from(["1.0", "x", "9223372036854775808", "1e3", "--1", " "]),
    "double": st.sampled_from(["nan", "inf", "1e400", "1,5", "x", "--1"]),
    "boolean": st.sampled_from(["true", "2", "y"]),
    "uuid": st.sampled_from(["", "1-1-1-1-1", "g" * 36, "{01234567-89ab-4def-8123-456789abcdef}"]),
    "json": st.sampled_from(["[]", "x", '{"cut off": ', "null", '"{}"']),
}
_damage = st.sampled_from(
    [
        lambda text: text.replace(b"\t", b"", 1),
        lambda text: text + b"\t",
        lambda text: text[: len(text) // 3],
        lambda text: text + b"\n",
        lambda text: b"\r" + text,
        lambda text: text.replace(b"\t", b"\xff\t", 1),
        lambda text: text.replace(b"\t", b"\xed\xa0\x80\t", 1),
        lambda _text: b"",
    ]
)


@st.composite
def _lines(draw: st.DrawFn) -> tuple[bytes, bool]:
    """An event's line, and whether it is good."""
    chosen = draw(st.lists(st.sampled_from(FIELDS), max_size=8, unique_by=lambda column: column.name))
    values = {column.name: draw(_good[column.source_type]) for column in chosen}
    harm = draw(st.sampled_from(["none", "none", "none", "value", "line"]))
    if harm == "value":
        spoilt = draw(st.sampled_from([column for column in FIELDS if column.source_type in _bad]))
        values[spoilt.name] = draw(_bad[spoilt.source_type])
    text = plain.line(**values)
    return (draw(_damage)(text) if harm == "line" else text), harm == "none"


@given(st.lists(_lines(), max_size=12))
def test_any_mixture_of_lines_comes_apart_into_the_good_and_the_bad(given_lines: list[tuple[bytes, bool]]) -> None:
    lines = [text for text, _good in given_lines]
    good = [index for index, (_text, fine) in enumerate(given_lines) if fine]
    parsed = parse(lines)
    assert parsed.kept.tolist() == good
    assert parsed.rows.to_pylist() == [plain.row(lines[index]) for index in good]
    assert [(one.index, one.raw) for one in parsed.refused] == [
        (index, text) for index, text in enumerate(lines) if index not in good
    ]
    assert all(one.reason and json.loads(one.detail) for one in parsed.refused)
    assert parsed.rows.schema == SCHEMA
    parsed.rows.validate(full=True)


def test_many_good_lines_around_a_few_bad_ones_stay_in_order() -> None:
    lines = [plain.line(txn_id=str(number), refr_dvce_tstamp="2026-01-01 00:00:00") for number in range(5000)]
    for place in (0, 1, 2048, 4999):
        lines[place] = plain.line(refr_dvce_tstamp=f"{place}-x")
    parsed = parse(lines)
    assert [one.index for one in parsed.refused] == [0, 1, 2048, 4999]
    assert np.array_equal(parsed.rows.column("txn_id").to_numpy(), parsed.kept)


def test_types_are_the_lake_s() -> None:
    kinds = {pa.string(), pa.int64(), pa.float64(), pa.bool_(), pa.timestamp("us", "UTC")}
    assert {column.type for column in FIELDS} == kinds
    assert len(FIELDS) == 131
    assert [len(named(kind)) for kind in ("timestamp", "json", "boolean", "integer", "double", "uuid")] == [
        7, 3, 11, 15, 11, 1,
    ]  # fmt: skip
