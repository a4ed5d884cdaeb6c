"""What is known of customers, from the tables of one as_of to arrays in one order of customers.

Enters: the tables of causes and named segments, and what the shop's own tables say of consent,
tiers, complaints and earlier offers. Leaves: an `About` of the customers asked about. Worked
example: as of 2017-10-01 h1 shows slow delivery and objects to text messages, h2 is unknown.

>>> import pandas as pd
>>> told = Known(causes=pd.DataFrame({"customer_id": ["h1"], "cause": ["LOGISTICS_SLOW"]}),
...              channels=pd.DataFrame({"customer_id": ["h1"], "channel": ["sms"],
...                                     "given": [False]}))
>>> found = told.about(pd.Series(["h1", "h2"]), ["LOST", "LOST"], np.array([True, True]), ())
>>> found.causes["LOGISTICS_SLOW"].tolist(), found.channels["sms"].tolist()
([True, False], [False, True])
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from churn_ml.offers.eligibility import About, Flags, Strings, stages

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Known:
    """What is known beside the segment and the consent to contact; nothing is where it is left out.

    `causes`: customer_id and cause, one row each. `named`: customer_id and segment, one row each.
    `tiers`: customer_id -> membership tier. `channels`: customer_id, channel and given, the newest
    word on each. `complaining`: customers with an open complaint. `recent`: code of an offer ->
    customers whose would-be offer it was within its `cap_days`.
    """

    causes: pd.DataFrame | None = None
    named: pd.DataFrame | None = None
    tiers: pd.Series | None = None
    channels: pd.DataFrame | None = None
    complaining: Collection[str] = frozenset()
    recent: Mapping[str, Collection[str]] = field(default_factory=dict)

    def about(
        self,
        ids: pd.Series,
        segment: Sequence[str] | Strings,
        given: Flags,
        refused: Collection[str],
    ) -> About:
        """The same as arrays, one element per id.

        `given`: whether contact is consented. `refused`: who has said no to all contact, which
        holds for every channel, whatever was said of it.
        """
        import pandas as pd

        places = pd.Index(ids)
        codes = np.array(segment, dtype=object)
        never = ids.isin(list(refused)).to_numpy()
        return About(
            segment=codes,
            stage=stages(codes),
            tier=_tiers(self.tiers, ids),
            given=given,
            complaining=ids.isin(list(self.complaining)).to_numpy(),
            named=_members(self.named, "segment", places),
            causes=_members(self.causes, "cause", places),
            channels=_channels(self.channels, places, given, never),
            recent={
                code: ids.isin(list(whom)).to_numpy() for code, whom in sorted(self.recent.items())
            },
        )


def _tiers(tiers: pd.Series | None, ids: pd.Series) -> Strings:
    if tiers is None:
        return np.full(len(ids), None, dtype=object)
    held = tiers.reindex(ids).to_numpy(dtype=object)
    return np.asarray(held, dtype=object)


def _members(rows: pd.DataFrame | None, column: str, places: pd.Index) -> dict[str, Flags]:
    """Word of the column -> who of the places has a row with it."""
    import pandas as pd

    if rows is None or rows.empty:
        return {}
    which, words = pd.factorize(rows[column], sort=True)
    where = places.get_indexer(pd.Index(rows["customer_id"]))
    table = np.zeros((len(words), len(places)), dtype=bool)
    here = where >= 0
    table[which[here], where[here]] = True
    return dict(zip(map(str, words), table, strict=True))


def _channels(
    rows: pd.DataFrame | None, places: pd.Index, given: Flags, never: Flags
) -> dict[str, Flags]:
    """Channel -> who may be contacted by it: its own word where there is one, else the general."""
    import pandas as pd

    if rows is None or rows.empty:
        return {}
    found: dict[str, Flags] = {}
    for channel, part in rows.groupby("channel", sort=True):
        where = places.get_indexer(pd.Index(part["customer_id"]))
        here = where >= 0
        held = given.copy()
        held[where[here]] = part["given"].to_numpy(dtype=bool)[here]
        found[str(channel)] = held & ~never
    return found
