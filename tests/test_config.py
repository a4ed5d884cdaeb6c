"""Identities of churn.toml: what a re-run is held against, and the stamp of a contract."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
from pydantic import ValidationError

from churn_ml.config import Config, Contract, Destination, from_text, kinds
from churn_ml.config.kinds import Kind
from churn_ml.errors import BadConfig

SHORT = """
[shop]
name = "s"
currency = "EUR"
[sources.orders]
files = "o.csv"
columns = { order_id = "no" }
"""
WRITTEN_OUT = """
[shop]
name = "s"
currency = "EUR"
time_zone = "UTC"
[[sources.orders]]
kind = "files"
files = "o.csv"
columns = { order_id = "no" }
constants = {}
group_by = []
values = {}
lag_days = 1
encoding = "utf-8"
chunk_rows = 100000
[validation]
tolerance = 0.010
rules = {}
"""


def told(text: str) -> str:
    config: Config = from_text(text)
    return config.told("ingest")


def test_a_default_that_is_written_out_says_nothing_new() -> None:
    assert told(WRITTEN_OUT) == told(SHORT)


@pytest.mark.parametrize(
    ("was", "now"),
    [("lag_days = 1", "lag_days = 2"), ("0.010", "0.02"), ('"UTC"', '"Asia/Shanghai"')],
)
def test_what_is_no_default_does(was: str, now: str) -> None:
    assert told(WRITTEN_OUT.replace(was, now)) != told(SHORT)


@pytest.mark.parametrize(
    ("contract", "stamp"),
    [
        (Contract(), "gone90-52f0833b"),
        (Contract(name="g60", horizon_days=60), "g60-db030b14"),
        (Contract(event="renewal", of={"tier": ("gold",)}, loyal_share=0.2), "gone90-b01ac4e2"),
    ],
)
def test_the_stamps_of_the_first_shops_never_change(contract: Contract, stamp: str) -> None:
    """As they were before loyal_share was a key: champions are found by them."""
    assert contract.stamp == stamp


def test_another_loyal_share_is_another_contract() -> None:
    assert Contract(loyal_share=0.3).stamp != Contract().stamp


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ('[contract]\nevent = "renewal"\npopulation = "lost"', "it is about who is due"),
        ("[contract]\nlost_within_days = 400", 'is for population = "lost"'),
        (
            '[contract]\npopulation = "lost"\nlookback_days = 90\nlost_within_days = 90',
            "longer than lookback_days",
        ),
        (
            '[[offers]]\ncode = "BACK"\nlabel = "b"\ncontracts = ["back"]',
            "names back, expected gone90",
        ),
    ],
)
def test_a_population_that_cannot_be_is_refused(section: str, says: str) -> None:
    with pytest.raises(BadConfig, match=says):
        from_text(f'[shop]\nname = "s"\ncurrency = "EUR"\n{section}\n')


def test_a_name_with_an_accent_is_to_stand_in_quotes() -> None:
    with pytest.raises(BadConfig, match="a name with blanks or accents before the ="):
        from_text('[sources.consents.values.given]\nSì = "true"\n')


def test_an_experiment_of_an_unknown_offer_or_of_one_drawn_already_is_refused() -> None:
    body = "[shop]\nname = 's'\ncurrency = 'EUR'\n[[offers]]\ncode = 'A'\nlabel = 'a'\n"
    with pytest.raises(BadConfig, match=r"offers in \[experiments\] names B"):
        from_text(body + "[experiments.spring]\noffers = ['B']\n")
    twice = "[experiments.spring]\noffers = ['A']\n[experiments.fall]\noffers = ['A']\n"
    with pytest.raises(BadConfig, match="part of two"):
        from_text(body + twice)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ('kind = "file"', "a destination of kind file needs target"),
        ('kind = "hubspot"', "a destination of kind hubspot needs connection"),
        ('kind = "hubspot"\nconnection = "c"\ntarget = "out"', "kind hubspot knows no target"),
        ('kind = "sql"\ntarget = "sqlite://"\nrecreate = true', "kind sql knows no recreate"),
        (
            'kind = "hubspot"\nconnection = "c"\nrequests_per_10_seconds = 1',
            "greater than or equal",
        ),
        (
            'kind = "pigeon"\ntarget = "out"',
            "kind: is no kind of destination: file, sql, .*tryton \\| .*got: 'pigeon'",
        ),
        ('kind = "file"\ntarget = "s3://bucket/out"', "is a folder, not a URL"),
        ('kind = "sql"\ntarget = "mysql://db/bi"', "is sqlite:///FILE or"),
        ('kind = "sql"\ntarget = "x"', "is sqlite:///FILE or"),
        (
            'kind = "sql"\ntarget = "${BI_URL}"\ntable = "a; drop table b"',
            "is no name of a table",
        ),
    ],
)
def test_a_destination_has_what_its_kind_needs_and_nothing_that_it_does_not_know(
    told: str, says: str
) -> None:
    shop = '[shop]\nname = "s"\ncurrency = "EUR"\n'
    with pytest.raises(BadConfig, match=says):
        from_text(f"{shop}[destinations.crm]\n{told}")


SECRET = "S3CRETPW"


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ('kind = "sql"\ntarget = "postgresql://u:{}@db/bi"\nbatch_size = 5', "knows no batch_size"),
        (
            'kind = "sql"\ntarget = "postgresql://u:{}@db/bi"\nrequests_per_day = 5',
            "knows no requests_per_day",
        ),
        (
            'kind = "hubspot"\nconnection = "c"\ntarget = "https://u:{}@db"',
            "a section of kind, connection, target",
        ),
        ('kind = "hubspot"\npage = "https://u:{}@db"', "needs connection"),
        ('kind = "postgresql://u:{}@db/bi"', "got: \\*\\*\\*"),
        ('kind = "sql"\ntarget = ["postgresql://u:{}@db/bi"]', "got: a list"),
        ('kind = "sql"\ntarget = {{ url = "{}" }}', "got: a section of url"),
        ('kind = "hubspot"\nconnection = "hubspot://:{}@"', "is no plain name of a connection"),
        ('kind = "file"\ntarget = "postgresql://u:{}@db/bi"', "is a folder, not a URL"),
        ('kind = "sql"\ntarget = "mysql://u:{}@db/bi"', "is sqlite:///FILE or"),
        ('kind = "hubspot"\nconnection = "{} "', "is no plain name of a connection"),
    ],
)
def test_no_error_about_a_destination_quotes_a_password_s8(told: str, says: str) -> None:
    shop = '[shop]\nname = "s"\ncurrency = "EUR"\n'
    with pytest.raises(BadConfig, match=says) as caught:
        from_text(f"{shop}[destinations.kill]\n{told.format(SECRET)}")
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "told",
    [
        'sources = "postgresql://u:{}@db/shop"',
        '[[sources.orders]]\nurl = 5\nquery = "postgresql://u:{}@db"\nlag_days = -1',
        '[sources.orders]\nconnection = "postgresql://u:{}@db"',
        '[sources]\n"postgresql://u:{}@db" = 5',
        '[destinations."postgresql://u:{}@db"]\nkind = "file"\ntarget = "out"',
        '[paths]\nledger = ["postgresql://u:{}@db"]',
        '[paths]\nlegder = "postgresql://u:{}@db"',
        'shop = "postgresql://u:{}@db"',
    ],
)
def test_no_error_about_another_section_does_either_s8(told: str) -> None:
    shop = "" if told.startswith("shop") else 'shop = {name = "s", currency = "EUR"}\n'
    with pytest.raises(BadConfig) as caught:
        from_text(shop + told.format(SECRET))
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_what_pydantic_says_itself_quotes_no_section_s8() -> None:
    with pytest.raises(ValidationError) as caught:
        Destination(kind="sql", target=f"postgresql://u:{SECRET}@db", batch_size=5)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('kind = "file"\ntarget = "out"', 'kind = "file"\ntarget = "./in/../out/"'),
        (
            'kind = "file"\ntarget = "out"',
            'kind = "file"\nformat = "parquet"\ntarget = "/shop/out"',
        ),
        (
            'kind = "sql"\ntarget = "sqlite:///bi.db"',
            'kind = "sql"\ntarget = "sqlite:////shop/bi.db"',
        ),
        (
            'kind = "sql"\ntarget = "postgresql://ada:S3CRETPW@db/bi"',
            'kind = "sql"\ntarget = "postgresql+psycopg2://bob@DB:5432/bi?sslmode=require"',
        ),
        ('kind = "sql"\ntarget = "${BI}"', 'kind = "sql"\ntarget = "${BI}"'),
        ('kind = "hubspot"\nconnection = "c"', 'kind = "hubspot"\nconnection = "c"\nkey = "k"'),
        (
            'kind = "salesforce"\nconnection = "c"',
            'kind = "salesforce"\nconnection = "c"\nobject = "Contact"',
        ),
    ],
)
def test_two_destinations_never_fill_one_place(one: str, other: str) -> None:
    shop = '[shop]\nname = "s"\ncurrency = "EUR"\n'
    both = r"\[destinations.a\] and \[destinations.b\] fill the same place"
    with pytest.raises(BadConfig, match=both) as caught:
        from_text(f"{shop}[destinations.a]\n{one}\n[destinations.b]\n{other}", root=Path("/shop"))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("new", "told", "needs"),
    [
        (Kind("new", "", "folder"), 'target = "out"', "target"),
        (Kind("new", "", "database"), 'target = "sqlite:///bi.db"', "target"),
        (Kind("new", "", "connection"), 'connection = "c"', "connection"),
    ],
)
def test_of_a_new_kind_too_one_row_says_what_it_needs_and_knows_and_where_two_meet(
    new: Kind, told: str, needs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same is asked of the kinds that there are, one by one, above and below."""
    monkeypatch.setattr(kinds, "KINDS", (*kinds.KINDS, new))
    one = 'shop = {name = "s", currency = "EUR"}\n[destinations.a]\nkind = "new"\n'
    assert from_text(one + told).destinations["a"].kind == "new"
    with pytest.raises(BadConfig, match=f"a destination of kind new needs {needs}"):
        from_text(one)
    with pytest.raises(BadConfig, match="a destination of kind new knows no recreate"):
        from_text(f"{one}{told}\nrecreate = true")
    with pytest.raises(BadConfig, match="fill the same place"):
        from_text(f'{one}{told}\n[destinations.b]\nkind = "new"\n{told}')


def test_every_key_of_a_destination_is_known_to_a_kind_and_no_row_names_another() -> None:
    known = {key for kind in kinds.KINDS for key in kind.knows | {kind.needs}}
    assert known | kinds.EVERY_KIND == set(Destination.model_fields)
    assert not known & kinds.EVERY_KIND


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('kind = "file"\ntarget = "out"', 'kind = "file"\ntarget = "out2"'),
        (
            'kind = "sql"\ntarget = "postgresql://db/bi"',
            'kind = "sql"\ntarget = "postgresql://db/bi"\ntable = "gold"',
        ),
        (
            'kind = "sql"\ntarget = "postgresql://db:5433/bi"',
            'kind = "sql"\ntarget = "postgresql://db/bi"',
        ),
        (
            'kind = "sql"\ntarget = "postgresql://${ONE}/bi"',
            'kind = "sql"\ntarget = "postgresql://${TWO}/bi"',
        ),
        ('kind = "hubspot"\nconnection = "c"', 'kind = "hubspot"\nconnection = "d"'),
    ],
)
def test_two_places_are_two_destinations(one: str, other: str) -> None:
    shop = '[shop]\nname = "s"\ncurrency = "EUR"\n'
    config = from_text(f"{shop}[destinations.a]\n{one}\n[destinations.b]\n{other}")
    assert list(config.destinations) == ["a", "b"]
