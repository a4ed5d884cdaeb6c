"""Exact Shapley values of shallow trees, many rows at once.

Enters: the JSON form of an XGBoost booster. Leaves: a `Tabled`, which tells for every row what each
feature adds: the path-dependent TreeSHAP of Lundberg et al. (2020), as `pred_contribs` has it, some
fifty times as fast. What a leaf adds to a feature depends on the row only through which conditions
on the leaf's path it meets. Those answers are bits, and a path of d features has 2^d patterns: all
are worked out once, the leaves below one node are added up into one table, and a row looks its
patterns up (after the decision patterns of Nadel & Wettenstein 2025, WOODELF). For a leaf of value
v with features i, of which the row meets the conditions of o_i in {0, 1}, and z_i the share of the
training weight that went the leaf's way at i::

    phi_i = v (o_i - z_i) sum over S of |S|! (d - |S| - 1)! / d!
            prod_{j in S} o_j prod_{j not in S} z_j,    S a subset of the other features

A row meets `x < t` where float32(x) < t, as XGBoost compares; one that is missing goes the split's
default way. Only sums and look-ups: the same bits for one row as for a million, on any machine.

Worked example: one split, 60 of 100 rows to the left (value -1), the others to the right (1). A row
on the right gets -1 (0 - .6) + 1 (1 - .4) = 1.2 for it: the mean is -.2 and the row's value 1.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import factorial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

DEEPEST = 6
"""Levels of splits; a tree of more would need tables that outgrow their use."""
BITS = 8
"""Conditions that one table covers: a pattern is one byte."""
BLOCK = 8192
"""Rows worked on at a time, so that their columns stay in the processor's cache."""


class Condition(NamedTuple):
    """One split: a row goes left where the feature is below the threshold, or missing."""

    feature: int
    threshold: np.float32
    missing_left: bool


class Step(NamedTuple):
    """One step of a leaf's path: the number of the condition, its feature, whether to the left."""

    condition: int
    feature: int
    left: bool


class Leaf(NamedTuple):
    """A leaf: its value, per feature on its path the share z, and its path from the root down."""

    value: float
    shares: Mapping[int, float]
    path: tuple[Step, ...]


class Table(NamedTuple):
    """What all leaves below one node add, by the pattern of the answers to `conditions`.

    `adds`: features x patterns; bit k of a pattern is the answer to `conditions[k]`.
    """

    conditions: tuple[int, ...]
    features: tuple[int, ...]
    adds: Matrix


@dataclass(frozen=True)
class Tabled:
    """The tables of every tree; `contributions` looks rows up in them."""

    trees: tuple[tuple[tuple[Condition, ...], tuple[Table, ...]], ...]

    @classmethod
    def of(cls, booster: bytes) -> Tabled | None:
        """The tables of a booster's JSON; None where it is too deep for them.

        So it is where a split is by category or a node has no training weight.
        """
        model = json.loads(booster)["learner"]["gradient_booster"]["model"]
        grown = [_read(tree) for tree in model["trees"]]
        if any(tree is None for tree in grown):
            return None
        trees = [tree for tree in grown if tree is not None]
        adds = iter(_adds([leaf for _, leaves in trees for leaf in leaves]))
        return cls(
            tuple(
                (conditions, tuple(_tables(leaves, [next(adds) for _ in leaves])))
                for conditions, leaves in trees
            )
        )

    def contributions(self, values: Matrix) -> Matrix:
        """What each feature adds: rows x features; `values` likewise, NaN where missing."""
        out = np.empty(values.shape)
        for start in range(0, len(values), BLOCK):
            rows = slice(start, start + BLOCK)
            out[rows] = self._block(np.ascontiguousarray(values[rows].T, np.float32)).T
        return out

    def _block(self, columns: NDArray[np.float32]) -> Matrix:
        """What each feature adds, features x rows."""
        total = np.zeros(columns.shape)
        found = np.empty(columns.shape[1])
        for conditions, tables in self.trees:
            bits = [_met(columns, condition) for condition in conditions]
            for table in tables:
                pattern = _pattern([bits[number] for number in table.conditions], len(found))
                for feature, adds in zip(table.features, table.adds, strict=True):
                    # a pattern lies within the table: "clip" only spares numpy the check
                    adds.take(pattern, out=found, mode="clip")
                    total[feature] += found
        return total


def _met(columns: NDArray[np.float32], condition: Condition) -> NDArray[np.uint8]:
    """1 where a row goes left, 0 where right."""
    column, threshold = columns[condition.feature], condition.threshold
    left = np.logical_not(column >= threshold) if condition.missing_left else column < threshold
    return np.asarray(left).view(np.uint8)


def _pattern(bits: Sequence[NDArray[np.uint8]], rows: int) -> NDArray[np.intp]:
    told = np.zeros(rows, np.uint8)
    for place, bit in enumerate(bits):
        told |= bit << place
    return told.astype(np.intp)


def _read(tree: Mapping[str, Any]) -> tuple[tuple[Condition, ...], tuple[Leaf, ...]] | None:
    """The conditions and leaves of one tree, leaves from left to right; None where unfit."""
    if any(tree["split_type"]) or min(tree["sum_hessian"]) <= 0:
        return None
    inner = [node for node, left in enumerate(tree["left_children"]) if left != -1]
    number = {node: place for place, node in enumerate(inner)}
    leaves = tuple(_leaves(tree, number, 0, (), {}))
    if max(len(leaf.path) for leaf in leaves) > DEEPEST:
        return None
    conditions = tuple(
        Condition(
            tree["split_indices"][node],
            np.float32(tree["split_conditions"][node]),
            bool(tree["default_left"][node]),
        )
        for node in inner
    )
    return conditions, leaves


def _leaves(
    tree: Mapping[str, Any],
    number: Mapping[int, int],
    node: int,
    path: tuple[Step, ...],
    shares: Mapping[int, float],
) -> Iterator[Leaf]:
    """The leaves below `node`, to which `path` leads; `shares`: z of the features so far."""
    if node not in number:
        yield Leaf(tree["split_conditions"][node], shares, path)
        return
    feature, weight = tree["split_indices"][node], tree["sum_hessian"]
    for left, side in ((True, "left_children"), (False, "right_children")):
        child = tree[side][node]
        share = shares.get(feature, 1.0) * weight[child] / weight[node]
        way = (*path, Step(number[node], feature, left))
        yield from _leaves(tree, number, child, way, {**shares, feature: share})


def _adds(leaves: Sequence[Leaf]) -> list[Matrix]:
    """Per leaf what it adds: features x patterns; bit i: the conditions of its feature i are met.

    Leaves with equally many features are worked out together.
    """
    found: list[Matrix] = [np.empty((0, 1))] * len(leaves)
    for count in sorted({len(leaf.shares) for leaf in leaves} - {0}):
        which = [place for place, leaf in enumerate(leaves) if len(leaf.shares) == count]
        shares = np.array([list(leaves[place].shares.values()) for place in which])
        value = np.array([leaves[place].value for place in which])
        for place, adds in zip(which, _shapley(shares, value), strict=True):
            found[place] = adds
    return found


def _shapley(shares: Matrix, value: Matrix) -> Matrix:
    """Phi of leaves with d features each, `shares` leaves x d: leaves x d x 2^d patterns.

    The sum over subsets is a polynomial's: the coefficient of t^s in prod_j (z_j + o_j t) sums up
    those of size s.

    >>> _shapley(np.array([[0.6]]), np.array([-1.0])).round(1).tolist()
    [[[0.6, -0.4]]]
    """
    leaves, count = shares.shape
    met = (np.arange(2**count) >> np.arange(count)[:, np.newaxis]) & 1
    weight = [factorial(s) * factorial(count - s - 1) / factorial(count) for s in range(count)]
    adds = np.empty((leaves, count, 2**count))
    for own in range(count):
        power = np.zeros((count, leaves, 2**count))
        power[0] = 1.0
        for other in set(range(count)) - {own}:
            kept = power * shares[:, other, np.newaxis]
            kept[1:] += power[:-1] * met[other]
            power = kept
        gained = met[own] - shares[:, own, np.newaxis]
        adds[:, own] = value[:, np.newaxis] * gained * np.tensordot(weight, power, 1)
    return adds


def _tables(leaves: Sequence[Leaf], adds: Sequence[Matrix], depth: int = 0) -> Iterator[Table]:
    """One table for all `leaves` where their conditions fit into it, else one of each side."""
    conditions = sorted({step.condition for leaf in leaves for step in leaf.path})
    if len(conditions) <= BITS:
        yield _table(tuple(conditions), leaves, adds)
        return
    lefts = sum(leaf.path[depth].left for leaf in leaves)
    yield from _tables(leaves[:lefts], adds[:lefts], depth + 1)
    yield from _tables(leaves[lefts:], adds[lefts:], depth + 1)


def _table(conditions: tuple[int, ...], leaves: Sequence[Leaf], adds: Sequence[Matrix]) -> Table:
    """What `leaves` add together, by the pattern of the answers to `conditions`."""
    features = tuple(sorted({feature for leaf in leaves for feature in leaf.shares}))
    row = {feature: place for place, feature in enumerate(features)}
    every = np.arange(2 ** len(conditions))
    answers = {number: every >> place & 1 for place, number in enumerate(conditions)}
    total = np.zeros((len(features), len(every)))
    for leaf, told in zip(leaves, adds, strict=True):
        met = dict.fromkeys(leaf.shares, np.ones_like(every))
        for step in leaf.path:
            met[step.feature] = met[step.feature] & (answers[step.condition] == step.left)
        pattern = sum((bit << place for place, bit in enumerate(met.values())), 0 * every)
        total[[row[feature] for feature in leaf.shares]] += told[:, pattern]
    return Table(conditions, features, total)
