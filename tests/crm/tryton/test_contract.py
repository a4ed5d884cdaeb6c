"""What every kind of destination promises, shown on a Tryton server."""

from __future__ import annotations

from functools import cache
from itertools import count

import pytest

from churn_ml.config import from_text
from churn_ml.crm import Means, open_destination
from churn_ml.crm.protocol import Destination

from ..fakes.rig import Rig
from ..test_contract import (  # noqa: F401 - run here, on this file's rig
    test_a_customer_who_left_can_come_back,
    test_a_dry_run_asks_and_writes_nothing,
    test_an_undo_gives_back_what_was_held_before,
    test_answers_are_of_the_protocol,
    test_c8_r4_a_batch_sent_twice_is_a_batch_sent_once,
    test_every_field_arrives_in_its_own_place,
    test_o1_the_same_export_again_sends_nothing,
    test_o3_a_second_deployment_is_refused_and_changes_nothing,
    test_o4_an_as_of_that_only_removed_is_an_as_of_too,
    test_o4_an_older_as_of_takes_nothing_back,
    test_r7_a_customer_twice_is_refused_before_anything_is_sent,
    test_r12_an_upsert_a_change_and_a_removal_arrive,
    test_reconcile_finds_each_planted_difference,
    test_s1_cells_arrive_as_they_are_in_every_script,
)
from .server import Server

NUMBERS = count()


SHOP = """
shop = {{name = "Corner shop", currency = "EUR"}}
destinations.crm = {{kind = "tryton", connection = "erp", object = "{root}", test_host = true}}
"""


@pytest.fixture
def rig(tryton: Server) -> Rig:
    """A root category of one test's own, opened as churn.toml names it."""
    config = from_text(SHOP.format(root=f"rig {next(NUMBERS)}"))

    def opened(owner: str) -> Destination:
        return open_destination("crm", config, means=Means(owner, {"erp": tryton.url}))

    return Rig(cache(opened))
