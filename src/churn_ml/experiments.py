"""Who is left alone on purpose, how many that takes, and how sure a share is.

Chance comes from a keyed hash of the customer, never from a generator: the same customer stands in
the same arm at every `as_of`, whoever else is in the file and in whatever order, and nobody without
the key can foresee or choose an arm. A new salt (one a year, one an experiment) draws anew.

Enters: customer ids, key, salt, share; counts. Leaves: one arm per customer; sample sizes, power
and intervals.

Worked example: as of 2017-10-01 the households are drawn with salt "1" and share .1. `h1` lies at
.058 and is held out, on 2017-11-01 too; `h2` lies at .187 and is open. Salt "2" draws again.

>>> [round(float(u), 4) for u in uniform(["h1", "h2"], key=b"demo", salt="1")]
[0.0578, 0.1874]
>>> arm(["h1", "h2"], key=b"demo", salt="1", share=0.1).tolist()
['holdout', 'open']
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Iterable, Mapping
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from churn_ml.errors import BadInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from churn_ml.config import Experiment

HOLDOUT = "holdout"
OPEN = "open"
CONTROL = "control"
TREATED = "treated"
"""The arms of an experiment."""


def uniform(customer_ids: Iterable[str], *, key: bytes, salt: str) -> NDArray[np.float64]:
    """One number in [0, 1) per customer: the first 53 bits of HMAC-SHA256(key, salt|customer_id).

    Parameters: `customer_ids`, n ids; `key`, the secret of the shop; `salt`, the name of the draw.
    Returns: n numbers in the order of the ids; each depends on its own id only.
    Raises: BadInput without a key, because anybody could then foresee the draw, and where the
    salt holds a "|", because two draws could then share a message.

    >>> uniform(["h1"], key=b"", salt="1")
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadInput: the key of the draw is empty | where: experiments | expected: ...
    """
    if not key:
        raise BadInput(
            "the key of the draw is empty",
            where="experiments",
            expected="a secret of at least one byte",
            next_step="set the variable that [holdout] key_env names",
        )
    if "|" in salt:
        raise BadInput("a salt may not hold '|'", where="[holdout] salt", got=salt)
    seeded = hmac.new(key, f"{salt}|".encode(), hashlib.sha256)
    return np.fromiter((_position(seeded, c) for c in customer_ids), dtype=np.float64)


def _position(seeded: hmac.HMAC, customer_id: str) -> float:
    digest = seeded.copy()
    digest.update(customer_id.encode())
    # 53 bits fill a double exactly: 1.0 itself cannot come out of the rounding.
    return float((int.from_bytes(digest.digest()[:8], "big") >> 11) / 2**53)


def arm(customer_ids: Iterable[str], *, key: bytes, salt: str, share: float) -> NDArray[np.object_]:
    """The arm of each customer: "holdout" with probability `share`, else "open".

    Parameters: as in `uniform`; `share`, the part held out, 0 to 1 (0 holds nobody out).
    Returns: n strings in the order of the ids. Raises: BadInput as `uniform` does.

    >>> arm(["h1", "h2"], key=b"demo", salt="1", share=0.0).tolist()
    ['open', 'open']
    """
    held = uniform(customer_ids, key=key, salt=salt) < share
    return np.where(held, HOLDOUT, OPEN).astype(object)


def drawn(
    would_be: NDArray[np.object_],
    customer_ids: Iterable[str],
    layers: Mapping[str, Experiment],
    *,
    key: bytes,
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """The experiment that each customer's would-be offer is part of, and the arm; None where none.

    Parameters: `would_be`, n codes of offers; `customer_ids`, n ids; `layers`, those of
    [experiments] that run; `key`, the secret of the shop. Each experiment has a layer of its own:
    its draw is independent of the universal holdout's and of every other's.

    >>> from churn_ml.config import Experiment
    >>> layers = {"spring": Experiment(offers=("COUPON",))}
    >>> offers = np.array(["COUPON", "COUPON", "CALL"], dtype=object)
    >>> names, arms = drawn(offers, ["h1", "h2", "h3"], layers, key=b"demo")
    >>> names.tolist(), arms.tolist()
    (['spring', 'spring', None], ['control', 'treated', None])
    """
    ids = np.array(list(customer_ids), dtype=object)
    names = np.full(len(ids), None, dtype=object)
    arms = names.copy()
    for name, layer in layers.items():
        mine = np.isin(would_be, layer.offers)
        salt = f"experiment {name} {layer.salt}"
        control = uniform(ids[mine], key=key, salt=salt) < layer.control_share
        names[mine], arms[mine] = name, np.where(control, CONTROL, TREATED)
    return names, arms


def total_size(
    p_control: float, p_treated: float, share: float, *, alpha: float = 0.05, power: float = 0.8
) -> int:
    """Customers needed in both arms together, a `share` of them control, to see a difference.

    Two-sided test of two proportions, unpooled variance (Fleiss, Levin & Paik 2003, eq. 4.13
    without continuity correction), with arms of unequal size: `n = (z_{1-alpha/2} + z_power)^2
    (p_c q_c / share + p_t q_t / (1 - share)) / d^2` with q = 1 - p and d = p_c - p_t. Raises:
    BadInput where the shares are equal or not in (0, 1).

    >>> total_size(0.40, 0.34, 0.5), total_size(0.40, 0.34, 0.1)
    (2026, 5777)
    """
    _check_shares(p_control, p_treated)
    z = NormalDist().inv_cdf(1 - alpha / 2) + NormalDist().inv_cdf(power)
    return math.ceil(z**2 * _variance(p_control, p_treated, share) / (p_control - p_treated) ** 2)


def power(
    p_control: float, p_treated: float, total: int, share: float, *, alpha: float = 0.05
) -> float:
    """The probability that `total` customers, a `share` of them control, show the difference.

    The inverse of `total_size`; the chance of a significant difference in the wrong direction
    is left out. Raises: BadInput as `total_size` does.

    >>> round(power(0.40, 0.34, 2026, 0.5), 3), round(power(0.40, 0.34, 400, 0.5), 3)
    (0.8, 0.237)
    """
    _check_shares(p_control, p_treated)
    error = math.sqrt(_variance(p_control, p_treated, share) / max(total, 1))
    z = abs(p_control - p_treated) / error - NormalDist().inv_cdf(1 - alpha / 2)
    return NormalDist().cdf(z)


def wilson(successes: int, total: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """The Wilson score interval of a share (Wilson 1927; method 3 of Newcombe 1998).

    `(p + z^2/2n -+ z sqrt(p q / n + z^2 / 4n^2)) / (1 + z^2/n)`. It stays inside [0, 1] and has a
    width also at 0 and n successes. Returns (0, 1) where nothing was observed.
    Raises: BadInput where there are more successes than trials.

    >>> [round(bound, 4) for bound in wilson(81, 263)]
    [0.2553, 0.3662]
    >>> wilson(0, 0)
    (0.0, 1.0)
    """
    if not 0 <= successes <= total:
        raise BadInput("successes must lie in 0 to total", got=f"{successes} of {total}")
    if total == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / total
    middle = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    spread = math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2)) / (1 + z**2 / total)
    # At the ends the bound is exactly 0 or 1; the formula leaves a rounding error there.
    low = 0.0 if successes == 0 else middle - z * spread
    high = 1.0 if successes == total else middle + z * spread
    return low, high


def _variance(p_control: float, p_treated: float, share: float) -> float:
    """Of the difference of two shares, times the customers of both arms."""
    return p_control * (1 - p_control) / share + p_treated * (1 - p_treated) / (1 - share)


def _check_shares(p_control: float, p_treated: float) -> None:
    if p_control == p_treated or not (0 < p_control < 1 and 0 < p_treated < 1):
        raise BadInput(
            "two different shares between 0 and 1 are needed",
            got=f"{p_control} and {p_treated}",
            next_step="give the churn share without and with contact",
        )
