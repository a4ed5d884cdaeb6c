"""Ibis expressions of columns in memory: what an engine computes from text, numpy computes here.

Enters: columns of one length, and an expression over a table that has them. Leaves: a column.
The definitions stay the expressions; this room reads their trees, so that one definition serves
two engines. Nulls are SQL's: unknown and false is false, unknown or true is true, a comparison with
the unknown is unknown. An operation that no indicator uses is not known here.

Worked example: `(t.days_ago <= 30) & t.is_cancelled` of days_ago 5, 40, 5 and is_cancelled true,
true, null is true, false, unknown.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import cache, reduce
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from churn_ml.errors import BrokenPromise

if TYPE_CHECKING:
    from ibis.expr.operations import Node


class Numbers(NamedTuple):
    """A column: its values, and which of them are known (None: all). Unknown booleans are False."""

    values: NDArray[Any]
    known: NDArray[np.bool_] | None = None

    def take(self, rows: NDArray[Any] | slice) -> Numbers:
        """The rows at those places, under that mask or in that slice.

        >>> Numbers(np.array([1, 2, 3])).take(np.array([2])).values.tolist()
        [3]
        """
        return Numbers(self.values[rows], None if self.known is None else self.known[rows])

    def mask(self) -> NDArray[np.bool_]:
        """Which are known, as an array.

        >>> Numbers(np.array([1, 2])).mask().tolist()
        [True, True]
        """
        return np.ones(self.values.shape, dtype=bool) if self.known is None else self.known

    def floats(self, rows: int) -> NDArray[np.float64]:
        """As `rows` float64, NaN where unknown.

        >>> Numbers(np.array([1, 2]), np.array([True, False])).floats(2).tolist()
        [1.0, nan]
        """
        told = np.broadcast_to(self.values, rows).astype("float64")
        return told if self.known is None else np.where(self.known, told, np.nan)


Known = NDArray[np.bool_] | None
Rule = Callable[["Columns", Any], Numbers]


class Columns:
    """The columns of some rows, and every expression over them that was asked for, once each."""

    def __init__(self, told: Mapping[str, Numbers]) -> None:
        """`told`: by name, of one length."""
        self.told = told
        self._found: dict[Node, Numbers] = {}

    def __call__(self, node: Node) -> Numbers:
        """The column that the expression with this tree gives.

        >>> import ibis
        >>> t = ibis.table({"a": "int64"}, name="t")
        >>> Columns({"a": Numbers(np.array([3, 4]))})((t.a * 2).op()).values.tolist()
        [6, 8]
        """
        found = self._found.get(node)
        if found is None:
            found = self._found[node] = self.rule(type(node).__name__)(self, node)
        return found

    def rule(self, name: str) -> Rule:
        """How the operation `name` is computed; raises BrokenPromise for one that is not known."""
        try:
            return _rules()[name]
        except KeyError:
            raise BrokenPromise("an operation has no kernel", where="features", got=name) from None


def both(left: Known, right: Known) -> Known:
    """Where both are known.

    >>> both(None, np.array([True, False])).tolist()
    [True, False]
    """
    if left is None or right is None:
        return right if left is None else left
    return left & right


def _each(of: Callable[..., NDArray[Any]], *names: str) -> Rule:
    """The rule of an operation that is unknown where one of its arguments is."""

    def rule(columns: Columns, node: Any) -> Numbers:
        told = [columns(getattr(node, name)) for name in names]
        with np.errstate(divide="ignore", invalid="ignore"):
            values = of(*(one.values for one in told))
        known = reduce(both, (one.known for one in told))
        return Numbers(values if known is None or values.dtype != bool else values & known, known)

    return rule


def _literal(_: Columns, node: Any) -> Numbers:
    if node.value is None:
        return Numbers(np.int64(0), np.False_)  # type: ignore[arg-type]
    return Numbers(np.asarray(node.value))


def _cast(columns: Columns, node: Any) -> Numbers:
    told, kind = (
        columns(node.arg),
        {"float64": "float64", "int64": "int64"}[str(node.to).lstrip("!")],
    )
    if kind == "int64" and told.values.dtype.kind == "f":
        raise BrokenPromise("a fraction has no kernel that makes it whole", where="features")
    return Numbers(told.values.astype(kind), told.known)


def _and(columns: Columns, node: Any) -> Numbers:
    left, right = columns(node.left), columns(node.right)
    a, b = left.values, right.values
    if left.known is None and right.known is None:
        return Numbers(a & b)
    a_known, b_known = left.mask(), right.mask()
    return Numbers(a & b, (a_known & b_known) | (a_known & ~a) | (b_known & ~b))


def _or(columns: Columns, node: Any) -> Numbers:
    left, right = columns(node.left), columns(node.right)
    either = left.values | right.values
    if left.known is None and right.known is None:
        return Numbers(either)
    return Numbers(either, (left.mask() & right.mask()) | either)


def _if_else(columns: Columns, node: Any) -> Numbers:
    holds = columns(node.bool_expr).values
    yes, no = columns(node.true_expr), columns(node.false_null_expr)
    known = None
    if yes.known is not None or no.known is not None:
        known = np.where(holds, yes.mask(), no.mask())
    return Numbers(np.where(holds, yes.values, no.values), known)


def _null_if(columns: Columns, node: Any) -> Numbers:
    (values, known), null = columns(node.arg), columns(node.null_if_expr)
    return Numbers(values, both(known, values != null.values))


def _coalesce(columns: Columns, node: Any) -> Numbers:
    def filled(first: Numbers, second: Numbers) -> Numbers:
        if first.known is None:
            return first
        known = None if second.known is None else first.known | second.known
        return Numbers(np.where(first.known, first.values, second.values), known)

    return reduce(filled, (columns(one) for one in node.arg))


def _is_known(columns: Columns, node: Any) -> Numbers:
    return Numbers(columns(node.arg).mask())


def _is_null(columns: Columns, node: Any) -> Numbers:
    return Numbers(~_is_known(columns, node).values)


def _clip(columns: Columns, node: Any) -> Numbers:
    told = columns(node.arg)
    lower, upper = (None if e is None else columns(e).values for e in (node.lower, node.upper))
    return Numbers(np.clip(told.values, lower, upper), told.known)


def _quotient(top: NDArray[Any], base: NDArray[Any]) -> NDArray[Any]:
    found: NDArray[Any] = np.divide(top.astype("float64"), base.astype("float64"))
    return found


@cache
def _rules() -> Mapping[str, Rule]:
    """By the name that ibis gives an operation."""
    pairs: dict[str, Callable[..., Any]] = {
        "Add": operator.add,
        "Subtract": operator.sub,
        "Multiply": operator.mul,
        "Divide": _quotient,
        "FloorDivide": operator.floordiv,
        "Equals": operator.eq,
        "NotEquals": operator.ne,
        "Greater": operator.gt,
        "GreaterEqual": operator.ge,
        "Less": operator.lt,
        "LessEqual": operator.le,
    }
    return {name: _each(of, "left", "right") for name, of in pairs.items()} | {
        "Field": lambda columns, node: columns.told[node.name],
        "Literal": _literal,
        "Cast": _cast,
        "And": _and,
        "Or": _or,
        "Not": _each(operator.invert, "arg"),
        "Negate": _each(operator.neg, "arg"),
        "Sqrt": _each(np.sqrt, "arg"),
        "Log2": _each(np.log2, "arg"),
        "Floor": _each(lambda x: np.floor(x).astype(np.int64), "arg"),
        "Between": _each(
            lambda x, low, high: (x >= low) & (x <= high), "arg", "lower_bound", "upper_bound"
        ),
        "IfElse": _if_else,
        "NullIf": _null_if,
        "Coalesce": _coalesce,
        "IsNull": _is_null,
        "NotNull": _is_known,
        "Clip": _clip,
    }
