"""What is done for whom: the offer that pays most, where it may be made and the round covers it.

Enters: scores, segments and arms of one `as_of`, consent valid at it, the suppressed, the offers
and limits of churn.toml, the champion's threshold tau. Leaves: one row per scored customer with
the offer, and why it is that one. The formulas are economics.py's; this room decides who may be
asked at all.

Three laws, in this order: a suppressed customer gets nothing; nobody gets an offer that bars them
(offers/eligibility.py: no consent, no cause that it answers, ...); a customer of the holdout gets
nothing, whatever the policy chose. The policy chooses as if there were no holdout and the would-be
offer is stored: the chosen of both arms are then alike, and the outcome is read on them by
intention to treat. The holdout's part of budget and capacity is left unspent.

Worked example, as of 2017-10-01: a coupon for `h1` (score .5, value 200) earns 9.75: chosen. `h2`
is like him but held out: offer NONE, would-be offer COUPON. `h3` has withdrawn consent: no_consent.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from churn_ml.causes import CAUSES
from churn_ml.economics import NO_CONTACT, Terms, costs, gains
from churn_ml.errors import BadConfig, BadInput
from churn_ml.experiments import CONTROL, HOLDOUT, drawn
from churn_ml.offers.catalogue import ANY
from churn_ml.offers.eligibility import BARS, About, barred_by, bars, told
from churn_ml.offers.known import Known
from churn_ml.segments import UNSCORED, code, is_known
from churn_ml.tables import ACTIONS
from churn_ml.targeting import allocate, keyed_hash

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from churn_ml.config import Config, Offer

NONE = "NONE"
"""The offer of a customer for whom nothing is done."""


def actions(
    scores: pd.DataFrame,
    segments: pd.DataFrame,
    consents: pd.Series,
    suppressed: Collection[str],
    config: Config,
    tau: float,
    *,
    key: bytes,
    contacted: Collection[str] = frozenset(),
    known: Known | None = None,
) -> pd.DataFrame:
    """The action of every scored customer at one as_of.

    Parameters: `scores` (tables.SCORES) and `segments` (tables.SEGMENTS), one row per customer_id;
    `consents`, whether contact is consented at as_of, customer_id as index, where absent
    [consent] default holds; `suppressed`, customers never to be contacted; `tau`, the gain in the
    shop currency that a contact must exceed; `key`, secret that breaks ties; `contacted`, customers
    whose would-be offer of the last `contact_window_days` was not NONE, in either arm; `known`,
    what else decides who may be asked what.
    Returns: tables.ACTIONS, sorted by customer_id; gain and cost in the shop currency, 0 at NONE.
    Its `attrs` say what no choice within the limits can exceed (`bound`, shop currency), and the
    share of it that this one falls short of (`gap`).
    `why`, the first that holds: suppressed, recently_contacted, what bars every offer
    (offers.eligibility.BARS), does_not_pay, capacity or budget, holdout, control, chosen.
    Raises: BadInput where a key repeats or a scored customer has no segment.

    >>> import pandas as pd
    >>> from churn_ml.config import Config, Offer, Shop
    >>> coupon = Offer(code="COUPON", label="5 off", cost_amount=5, contact_amount=1)
    >>> config = Config(shop=Shop(name="s", currency="EUR"), offers=(coupon,))
    >>> ids = pd.DataFrame({"customer_id": ["h1", "h2", "h3"]})
    >>> out = actions(ids.assign(score=.5, value=200.0, as_of="2017-10-01"),
    ...               ids.assign(segment="LOST", arm=["open", "holdout", "open"]),
    ...               pd.Series({"h1": True, "h2": True, "h3": False}), (), config, 0.0, key=b"k")
    >>> out[["offer", "would_be_offer", "expected_gain", "why"]].values.tolist()
    [['COUPON', 'COUPON', 9.75, 'chosen'], ['NONE', 'COUPON', 9.75, 'holdout'],
     ['NONE', 'NONE', 0.0, 'no_consent']]
    """
    rows = _rows(scores, segments)
    ids = rows["customer_id"]
    terms = Terms.of(config)
    p, value = rows["score"].to_numpy(np.float64), rows["value"].to_numpy(np.float64)
    table = bars(config.own_offers, _about(rows, consents, config, known or Known()))
    barred, recent = ids.isin(suppressed).to_numpy(), ids.isin(contacted).to_numpy()
    allowed = (table == 0) & ~(barred | recent)[:, None]

    gain, cost = gains(p, value, terms), costs(p, value, terms)
    done = allocate(gain, cost, allowed, config.policy, tau, keyed_hash(ids, key))
    taken = done.index != NO_CONTACT
    held = rows["arm"].to_numpy(object) == HOLDOUT
    codes = np.array([*(offer.code for offer in config.own_offers), NONE], dtype=object)
    rows["would_be_offer"] = codes[done.index]
    control = _drawn(rows, held, config, key)
    rows["offer"] = np.where(held | control, NONE, rows["would_be_offer"])
    rows["expected_gain"] = np.where(taken, done.expected, 0.0).round(9)
    rows["expected_cost"] = np.where(taken, done.cost, 0.0).round(9)
    fell = barred_by(table)
    reasons = {
        "suppressed": barred,
        "recently_contacted": recent,
        **{bar: fell == bar for bar in BARS[1:]},
        "does_not_pay": done.expected <= tau,
        _limit(int(taken.sum()), config): ~taken,
        "holdout": held,
        "control": control,
    }
    why = np.select(list(reasons.values()), list(reasons), default="chosen")
    rows["why"] = why.astype(object)
    rows["barred"] = told(config.own_offers, table)
    out = rows[list(ACTIONS.names)]
    out.attrs = {"bound": round(done.bound, 2), "gap": round(done.gap, 6)}
    return out


def _drawn(
    rows: pd.DataFrame, held: NDArray[np.bool_], config: Config, key: bytes
) -> NDArray[np.bool_]:
    """Whom an experiment leaves alone; writes its name and arm, and how likely chance left one so.

    The universal holdout comes first: only who is open takes part.
    """
    would_be = rows["would_be_offer"].to_numpy(object)
    asked = np.where(held, NONE, would_be)
    days = set(rows["as_of"])
    layers = {
        name: one for name, one in config.experiments.items() for day in days if one.runs(day)
    }
    names, arms = drawn(asked, rows["customer_id"], layers, key=key)
    rows["experiment"], rows["experiment_arm"] = names, arms
    kept = np.full(len(rows), config.holdout.share)
    for layer in layers.values():
        mine = np.isin(would_be, layer.offers)
        kept[mine] += (1.0 - config.holdout.share) * layer.control_share
    rows["kept_share"] = np.where(would_be == NONE, np.nan, kept)
    return np.asarray(arms == CONTROL, dtype=bool)


def _about(rows: pd.DataFrame, consents: pd.Series, config: Config, known: Known) -> About:
    """What is known of the customers of `rows`, in their order."""
    ids = rows["customer_id"]
    given = consenting(ids, consents, default=config.consent.default == "assumed")
    refused = consents.index[~consents.to_numpy(dtype=bool)]
    return known.about(ids, rows["segment"].to_numpy(object), given, refused)


def _limit(taken: int, config: Config) -> str:
    """Which limit ended the round of `taken` contacts."""
    capacity = config.policy.capacity_customers
    return "capacity" if capacity is not None and taken >= capacity else "budget"


def _rows(scores: pd.DataFrame, segments: pd.DataFrame) -> pd.DataFrame:
    """Scores with segment and arm, sorted by customer_id: what the decisions are taken on."""
    placed = segments[["customer_id", "segment", "arm"]]
    for name, keys in (("scores", scores["customer_id"]), ("segments", placed["customer_id"])):
        if not keys.is_unique:
            raise BadInput(f"{name} holds a customer twice", where="actions", expected="one row")
    rows = scores[["customer_id", "score", "value", "as_of"]].merge(placed, on="customer_id")
    if len(rows) < len(scores):
        raise BadInput(
            f"{len(scores) - len(rows)} scored customers have no segment",
            where="actions",
            next_step="build segments from the same scores",
        )
    return rows.sort_values("customer_id", ignore_index=True)


def consenting(ids: pd.Series, consents: pd.Series, *, default: bool) -> NDArray[np.bool_]:
    """Whether contact is consented, one element per id.

    `consents`: customer_id as index; `default` holds for whoever is not in it. Raises BadInput
    where a customer stands in it twice.

    >>> import pandas as pd
    >>> consenting(pd.Series(["h1", "h2"]), pd.Series({"h1": False}), default=True).tolist()
    [False, True]
    """
    if not consents.index.is_unique:
        raise BadInput("consents hold a customer twice", where="actions", expected="one row")
    known = dict(zip(consents.index, consents, strict=True))
    return np.array([bool(known.get(i, default)) for i in ids], dtype=bool)


def check_offers(offers: tuple[Offer, ...]) -> None:
    """Raise BadConfig where an offer is meant for a segment, stage or cause that nobody can have.

    >>> from churn_ml.config import Offer
    >>> check_offers((Offer(code="GIFT", label="a gift", causes=("THE_WEATHER",)),))
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadConfig: offer GIFT is meant for an unknown cause | where: ... THE_WEATHER ...
    """
    causes = {ANY, *(cause.code for cause in CAUSES)}
    for offer in offers:
        named = {name for name in offer.segments if is_known(name)}
        _check(offer, "segment", set(offer.segments) - _codes() - named)
        _check(offer, "stage", set(offer.stages) - set(STAGES))
        _check(offer, "cause", set(offer.causes) - causes)


def _check(offer: Offer, what: str, strange: set[str]) -> None:
    examples = {
        "segment": "a code such as HIGH_RISK_HIGH_VALUE_SILENT or LOST, or a name of segments.md",
        "stage": ", ".join(STAGES),
        "cause": "a code of the causes, such as LOGISTICS_SLOW",
    }
    if strange:
        raise BadConfig(
            f"offer {offer.code} is meant for an unknown {what}",
            where=f"[[offers]] {what}s",
            got=", ".join(sorted(strange)),
            expected=examples[what],
            next_step="correct the code; `churn-ml report` lists the segments that occur",
        )


STAGES = ("new", "active", "loyal", "silent", "lost", "returning")


def _codes() -> set[str]:
    bands = ("high", "medium", "low")
    scored = {code(risk, value, stage) for risk, value, stage in product(bands, bands, STAGES)}
    return scored | {code(UNSCORED, UNSCORED, stage) for stage in STAGES}
