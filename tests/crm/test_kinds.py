"""The rows of the kinds of destination: what each opens, and all that a new kind takes."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import get_type_hints

import pytest

from churn_ml.config import Config, from_text, kinds
from churn_ml.config import Destination as Settings
from churn_ml.crm import Destination, Means, open_destination
from churn_ml.errors import BadConfig

from . import lines
from .tried import ELSEWHERE, EXAMPLE, FORMATS, KINDS, PLACES, ROW, with_the_example


def test_every_kind_that_churn_toml_accepts_is_tested_here() -> None:
    assert {kind.name for kind in kinds.KINDS} == set(KINDS) - FORMATS | ELSEWHERE


def test_the_page_for_people_has_a_row_for_every_kind() -> None:
    page = (Path(__file__).parents[2] / "docs/destinations.md").read_text(encoding="utf-8")
    table = page.partition("| kind | the customer is |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [k.name for k in kinds.KINDS]


@pytest.mark.parametrize("kind", [*kinds.KINDS, ROW], ids=lambda kind: kind.name)
def test_what_opens_a_kind_is_an_opener_and_gives_a_destination(kind: kinds.Kind) -> None:
    module, _, function = kind.opens.partition(":")
    with with_the_example():
        opener = getattr(import_module(module), function)
    told = get_type_hints(opener)
    made = told.pop("return")
    assert [*told.values()] == [str, Settings, Config, Means]
    promised = {name for name in vars(Destination) if not name.startswith("_")}
    assert promised == {"name", "delivers", "batch_size", "preflight", "send", "holds"}
    assert promised <= {*dir(made), *get_type_hints(made)}


SHOP = 'shop = {name = "Corner shop", currency = "EUR"}\n'
LINES = '[destinations.a]\nkind = "lines"\ntarget = "out"\n'


def test_a_new_kind_is_one_file_one_row_and_one_contract_test() -> None:
    """Nothing else is done to the house where the contract tests above try `lines`."""
    assert list(PLACES) == [
        "src/churn_ml/crm/lines.py",
        "src/churn_ml/config/kinds.py",
        "tests/crm/tried.py",
    ]
    assert list(EXAMPLE) == [ROW.name] == ["lines"]
    with pytest.raises(BadConfig, match="is no kind of destination"):
        from_text(SHOP + LINES)
    with with_the_example():
        config = from_text(SHOP + LINES)
        opened = open_destination("a", config, means=Means("me"))
    assert isinstance(opened, lines.LinesDestination)


@pytest.mark.parametrize("other", ["lines", "file"])
def test_two_sections_that_fill_one_place_are_found_for_a_new_kind_too(other: str) -> None:
    again = f'[destinations.b]\nkind = "{other}"\ntarget = "./in/../out"\n'
    with with_the_example(), pytest.raises(BadConfig, match="fill the same place"):
        from_text(SHOP + LINES + again)


def test_a_client_is_imported_where_a_destination_of_its_kind_is_opened_and_no_sooner() -> None:
    """Salesforce's takes half a second."""
    asked = "import sys, churn_ml.crm; print(*{n.partition('.')[0] for n in sys.modules})"
    found = subprocess.run(
        [sys.executable, "-c", asked], check=True, capture_output=True, text=True
    )
    assert not {"simple_salesforce", "hubspot"} & set(found.stdout.split())
