"""Models as Ossie documents: in the format's own words, back as they were, and saying what they cannot say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
import pytest
import sqlglot
import yaml
from ibis import _

from semantic.shop import DATASETS, MODEL, RATIOS, SCHEMAS, Lines, Orders, Release, Stock, small_shop
from workspace.errors import SemanticError
from workspace.metrics import model as marketplace
from workspace.semantic import Dataset, Model, dim, funnel, key, measure, metric, ratio, ref, retention, time
from workspace.semantic.ossie import VERSION, from_ossie, notes_of, to_ossie

if TYPE_CHECKING:
    from collections.abc import Iterator

# What the core specification allows and demands of each kind of entry; nothing else may be there.
SHAPES = {
    "document": ({"version", "name", "datasets"}, {"description", "ai_context", "relationships", "metrics"}),
    "datasets": ({"name", "source"}, {"primary_key", "unique_keys", "description", "ai_context", "fields"}),
    "fields": ({"name", "expression"}, {"dimension", "label", "description", "datatype", "ai_context"}),
    "relationships": ({"name", "from", "to", "from_columns", "to_columns"}, {"ai_context"}),
    "metrics": ({"name", "expression"}, {"description", "datatype", "ai_context"}),
}


def moved() -> Model:
    """The shop with everything that the format has no words for."""
    ratios: dict[str, Any] = RATIOS
    copies: dict[str, Any] = {
        name: ratio(m.left, m.right, m.description, unit=m.unit, owner=m.owner) for name, m in ratios.items()
    }
    return Model(
        *DATASETS,
        timezone="Europe/Berlin",
        week="sun",
        **copies,
        revenue_28d=metric(Lines.revenue.trailing("28 days"), "Four weeks", owner="finance"),
        revenue_mtd=Lines.revenue.to_date("month"),
        revenue_ever=Lines.revenue.all_time(),
        revenue_growth=Lines.revenue.growth("1 year"),
        revenue_share=Lines.revenue.share(),
        done=metric(Orders.orders.where(_.status == "done"), "Orders that stayed"),
        twice=(Lines.revenue + Lines.fees) * 2,
        came_back=retention(Orders.orders, Orders.orders, by="buyer", after=2),
        joined_to_order=funnel(Orders.orders, Orders.orders, by="buyer", within="7 days", description="Again"),
    )


def imported(text: str) -> Model:
    names: dict[str, Any] = {"__name__": "imported"}
    exec(from_ossie(text), names)  # noqa: S102 - declarations that this test has just made
    found: Model = names["model"]
    return found


def check(document: dict[str, Any]) -> None:
    """Hold a document to the rules of the core specification."""
    assert document["version"] == VERSION == "0.2.0.dev0"
    for kind, entry in entries(document):
        needed, allowed = SHAPES[kind]
        assert needed <= entry.keys() <= needed | allowed | {"custom_extensions"}, entry
        for found in entry.get("custom_extensions", ()):
            assert found.keys() == {"vendor_name", "data"}
            assert isinstance(found["data"], dict)
        for each in entry.get("expression", {}).get("dialects", ()):
            assert each["dialect"] == "ANSI_SQL"
            sqlglot.parse_one(each["expression"])
    datasets = {entry["name"]: entry for entry in document["datasets"]}
    for of in (document["datasets"], document.get("relationships", []), document.get("metrics", [])):
        assert len({entry["name"] for entry in of}) == len(of)
    for dataset in document["datasets"]:
        assert len({entry["name"] for entry in dataset["fields"]}) == len(dataset["fields"])
    for each in document.get("relationships", ()):
        assert each["from"] in datasets
        assert each["to_columns"] == datasets[each["to"]]["primary_key"]
        assert len(each["from_columns"]) == len(each["to_columns"])


def entries(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "document", document
    for kind in ("datasets", "relationships", "metrics"):
        for entry in document.get(kind, ()):
            yield kind, entry
            for field in entry.get("fields", ()):
                yield "fields", field


@pytest.mark.parametrize("model", [MODEL, marketplace, moved()], ids=["shop", "marketplace", "moved"])
def test_a_document_follows_the_specification_and_comes_back_as_it_was(model: Model) -> None:
    text = to_ossie(model, "ours")
    assert "&id" not in text
    check(yaml.safe_load(text))
    again = imported(text)
    assert {name: again.definition(name) for name in again.metrics} == {
        name: model.definition(name) for name in model.metrics
    }
    assert notes_of(to_ossie(again)) == notes_of(text)


def test_what_comes_back_gives_the_same_answers(m: Any) -> None:
    again: Any = imported(to_ossie(MODEL)).bind(small_shop())
    for name in MODEL.metrics:
        assert getattr(again, name).value() == getattr(m, name).value(), name
    asked, answered = (each.revenue.by(each.month, each.product.brand.tier) for each in (m, again))
    assert asked.to_arrow().to_pylist() == answered.to_arrow().to_pylist()


def test_the_sql_of_a_metric_says_what_the_metric_says(m: Any) -> None:
    document = yaml.safe_load(to_ossie(MODEL))
    shop = small_shop()
    connection = ibis.duckdb.connect()
    for name in SCHEMAS:
        connection.con.register(name, shop.history(name).to_pyarrow())
    for dataset in document["datasets"]:
        fields = ", ".join(f"{sql(field)} as {field['name']}" for field in dataset["fields"])
        connection.raw_sql(f'create view {dataset["name"]} as select *, {fields} from "{dataset["source"]}"')
    # Each metric over the rows of its dataset, with the one order that each line has.
    rows = {"Lines": "Lines left join Orders on Lines.order_id = Orders.id"}
    asked = {entry["name"]: (sql(entry), entry["custom_extensions"][0]["data"]) for entry in document["metrics"]}
    assert asked.keys() == MODEL.metrics.keys() - {"in_stock", "fees"}
    del asked["basket"]  # two datasets, each aggregated on its own: no one SELECT is both
    for name, (expression, said) in asked.items():
        home = said.get("dataset", "Orders")
        found = connection.con.sql(f"select {expression} from {rows.get(home, home)}").fetchone()
        assert found is not None
        assert found[0] == pytest.approx(getattr(m, name).value()), name


def sql(entry: dict[str, Any]) -> str:
    return str(entry["expression"]["dialects"][0]["expression"])


def test_what_has_no_words_is_noted() -> None:
    notes = notes_of(to_ossie(moved()))
    for said in (
        "metric in_stock is in the extension only: it counts each one's last snapshots only",
        "metric fees is in the extension only: it reads Products as it was then",
        "metric revenue_28d is in the extension only: timed has no SQL over one group of rows",
        "Brands has history; the document shows its rows of now",
        "Lines.ordered is in the extension only: it reads another dataset",
    ):
        assert said in notes
    names = {entry["name"] for entry in yaml.safe_load(to_ossie(moved()))["metrics"]}
    assert names == {*MODEL.metrics, "done"} - {"fees", "in_stock"}


def test_what_one_name_could_mean_twice_is_not_written() -> None:
    class People(Dataset, table="shop.people"):
        person = key(_.id)
        age = dim(_.age)

    class Gifts(Dataset, table="shop.gifts"):
        giver = ref(People, _.giver_id)
        taker = ref(People, _.taker_id)
        given = time(_.given_at, default=True)
        gifts = measure(_.id.nunique())
        old_giver = measure(_.giver.age.max())

    text = to_ossie(Model(People, Gifts, timezone="UTC"))
    assert "metric old_giver is in the extension only: People is reached by several relationships" in notes_of(text)
    assert imported(text).metrics.keys() == {"gifts", "old_giver"}


def test_a_change_in_the_document_is_read_from_it() -> None:
    document = yaml.safe_load(to_ossie(MODEL))
    (entry,) = (entry for entry in document["metrics"] if entry["name"] == "returned")
    entry["expression"]["dialects"][0]["expression"] = "COUNT(CASE WHEN Orders.status = 'lost' THEN Orders.id END)"
    entry["description"] = "Orders that never arrived"
    found = imported(yaml.safe_dump(document)).definition("returned")
    assert found.formula == "Orders: _.id.count(where=(_.status == 'lost'))"
    assert (found.description, found.unit) == ("Orders that never arrived", "count")


FOREIGN = """
version: 0.2.0.dev0
name: retail
datasets:
- name: sales
  source: warehouse.retail.sales
  primary_key: [item_id, ticket]
  description: One row an item sold
  fields:
  - {name: channel, dimension: {}, expression: {dialects: [{dialect: ANSI_SQL, expression: UPPER(channel)}]}}
  - {name: price, datatype: Decimal, expression: {dialects: [{dialect: SNOWFLAKE, expression: price}]}}
  - {name: month, dimension: {is_time: true}, datatype: String,
     expression: {dialects: [{dialect: ANSI_SQL, expression: sold_month}]}}
  - {name: odd, expression: {dialects: [{dialect: MDX, expression: "[Measures].[Odd]"}]}}
- name: customer
  source: retail.customer
  primary_key: [id]
  fields:
  - {name: full_name, expression: {dialects: [{dialect: ANSI_SQL, expression: "first || ' ' || last"}]}, dimension: {}}
  - {name: age, expression: {dialects: [{dialect: ANSI_SQL, expression: age}]}}
- name: dates
  source: retail.dates
  primary_key: [date_key]
  fields:
  - {name: day, datatype: Date, expression: {dialects: [{dialect: ANSI_SQL, expression: the_date}]}}
relationships:
- {name: sales_to_customer, from: sales, to: customer, from_columns: [customer_id], to_columns: [id]}
- {name: sales_to_dates, from: sales, to: dates, from_columns: [date_key], to_columns: [date_key]}
- {name: sales_to_mail, from: sales, to: customer, from_columns: [mail], to_columns: [mail]}
metrics:
- {name: revenue, description: All of it,
   expression: {dialects: [{dialect: ANSI_SQL, expression: SUM(sales.price)}]}}
- {name: per_head, expression: {dialects: [{dialect: ANSI_SQL,
   expression: "SUM(sales.price) / NULLIF(COUNT(DISTINCT sales.customer_id), 0)"}]}}
- {name: grown_up, expression: {dialects: [{dialect: ANSI_SQL,
   expression: "SUM(CASE WHEN customer.age >= 18 AND sales.channel IN ('WEB', 'SHOP') THEN sales.price * 2 END)"}]}}
- {name: middle, expression: {dialects: [{dialect: ANSI_SQL,
   expression: PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY sales.price)}]}}
- {name: price, expression: {dialects: [{dialect: ANSI_SQL, expression: AVG(sales.price)}]}}
- {name: customers, expression: {dialects: [{dialect: ANSI_SQL, expression: COUNT(customer.id)}]}}
- {name: ranked, expression: {dialects: [{dialect: ANSI_SQL,
   expression: SUM(sales.price) OVER (PARTITION BY sales.channel)}]}}
- {name: broken, expression: {dialects: [{dialect: ANSI_SQL, expression: "SUM(("}]}}
"""


def test_a_document_of_others_is_declared_as_far_as_it_goes() -> None:
    text = from_ossie(FOREIGN)
    model = imported(FOREIGN)
    assert {name: model.definition(name).formula for name in sorted(model.metrics)} == {
        "grown_up": "sales: (_.price * 2).sum(where=((_.customer.age >= 18) & _.channel.isin(['WEB', 'SHOP'])))",
        "middle": "sales: _.price.median()",
        "per_head": "sales.revenue / sales.per_head_part_2",
        "per_head_part_2": "sales: _.customer_id.nunique()",
        "price_metric": "sales: _.price.mean()",
        "revenue": "sales: _.price.sum()",
    }
    for note in (
        "sales.month is called month_ here",
        "sales.odd is not imported: it has no SQL, only MDX",
        "relationship sales_to_mail is not imported: it does not lead to the primary key of customer",
        "sales happens at its dates.day_, for want of a time of its own",
        "metric price is called price_metric here",
        "metric customers is not imported: customer has no time, which every metric needs here",
        "metric ranked is not imported",
        "metric broken is not imported: its SQL cannot be read",
        "the document says no time zone",
    ):
        assert f"# Note: {note}" in text


def test_what_was_imported_answers() -> None:
    connection = ibis.duckdb.connect()
    connection.raw_sql("""
        create table "retail.sales" as from (values (1, 1, 'web', 10.0, 'x', 7, 1), (2, 1, 'shop', 30.0, 'x', 8, 1))
            v(item_id, ticket, channel, price, sold_month, customer_id, date_key);
        create table "retail.customer" as
            from (values (7, 'Ada', 'L', 36), (8, 'Bob', 'M', 12)) v(id, first, last, age);
        create table "retail.dates" as from (values (1, date '2026-06-01')) v(date_key, the_date);
    """)

    class Reader:
        release = Release()

        def table(self, name: str) -> Any:
            return connection.table(name)

        history = table

    m: Any = imported(FOREIGN).bind(Reader())
    assert [float(getattr(m, name).value()) for name in ("revenue", "per_head", "grown_up", "middle")] == [
        40,
        20,
        20,
        20,
    ]
    by_name = m.revenue.by(m.customer.full_name).to_arrow().to_pylist()
    assert {row["customer_full_name"]: float(row["revenue"]) for row in by_name} == {"Ada L": 10, "Bob M": 30}


@pytest.mark.parametrize(
    "evil",
    [
        "__import__('os').system('true')",
        "_.amount.sum() if print('run') else 1",
        "_.__class__",
        "[print(x) for x in (1,)]",
        "(lambda: 1)()",
        "_.amount.sum()\nprint('run')",
    ],
)
def test_nothing_of_a_document_is_code(evil: str) -> None:
    document = yaml.safe_load(to_ossie(MODEL))
    for entry in [*document["metrics"], *document["datasets"]]:
        for found in entry.get("custom_extensions", ()):
            found["data"] |= {"expr": evil, "made": evil, "where": evil, "key": "a = print('run')"}
    document["datasets"][0]["description"] = '"""\nprint("run")\n"""'
    document["name"] = "x'\nprint('run')"
    text = from_ossie(yaml.safe_dump(document))
    assert evil not in text
    assert "\nprint" not in text
    assert "revenue" in imported(yaml.safe_dump(document)).metrics  # from its SQL, which says it as well


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "This is not YAML"),
        ("[]", "no datasets"),
        ("version: 0.2.0.dev0\ndatasets: []", "no datasets"),
        ("semantic_model: [{}, {}]", "holds 2 models"),
        ("datasets: [{source: a.b}]", "One of the datasets has no name"),
        ("datasets: [{name: a, source: a.b}, {name: a, source: a.b}]", "Two datasets are called a"),
    ],
)
def test_what_is_no_document_is_refused(text: str, said: str) -> None:
    with pytest.raises(SemanticError, match=said):
        from_ossie(text)


def test_the_older_form_with_a_list_of_models_is_read_too() -> None:
    document = yaml.safe_load(FOREIGN)
    listed = {"version": document.pop("version"), "semantic_model": [document]}
    assert from_ossie(yaml.safe_dump(listed)).partition("class ")[2] == from_ossie(FOREIGN).partition("class ")[2]


def test_a_stock_is_still_a_stock(m: Any) -> None:
    again = imported(to_ossie(MODEL))
    assert getattr(again.metrics["in_stock"], "snapshot", None) == Stock.in_stock.snapshot == "last"
