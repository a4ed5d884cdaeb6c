"""What an expression may be made of, node by node, and the SQL that each node becomes.

Enters: the tree that sqlglot parsed. Leaves: SQL of nodes that stand on the lists of `grammar`,
written anew; any other node is refused, and so is what a listed node does not take. Worked
example: `lower(State)` becomes `lower(as_text(v_5374617465))`: the name of a column is never
copied into SQL, only its bytes in hex.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from churn_ml.clock import literal
from churn_ml.errors import BadConfig
from churn_ml.sources.grammar import (
    AGGREGATES,
    ATOMS,
    CONDITIONS,
    COUNTS,
    FUNCTIONS,
    INFIX,
    MODIFIERS,
    OF_TEXT,
    OWN,
    SIGNS,
)
from churn_ml.sources.protocol import ROW


def raw(name: str) -> str:
    """The SQL name of their column `name`, as stored; no text of theirs becomes SQL.

    >>> raw("Id")
    'c_4964'
    """
    return "c_" + name.encode("utf-8", "surrogatepass").hex()


def value(name: str) -> str:
    """The SQL name of their column `name`, as expressions see it.

    >>> value("Id")
    'v_4964'
    """
    return "v_" + raw(name)[2:]


def time_of(values: str) -> str:
    """SQL of a column's value, or of its least, as SQL of the time in it, read once a row.

    >>> time_of(value("at")), time_of("min(v_6174)")
    ('t_6174', 'min(t_6174)')
    """
    return values.replace("v_", "t_")


def refused(where: str, got: str, expected: str) -> BadConfig:
    """The error for an expression that is not of the language."""
    return BadConfig(
        "an expression holds what the language does not know",
        where=where,
        got=got,
        expected=expected,
        next_step="docs/sources.md lists everything that an expression may hold;"
        " then: churn-ml config check",
    )


@dataclass
class Writer:
    """Writes the SQL of one expression, and notes its columns and what may not read."""

    where: str
    grouped: bool
    keys: frozenset[str]
    inside: bool = False
    columns: set[str] = field(default_factory=set)
    unread: list[str] = field(default_factory=list)

    def sql(self, node: exp.Expr) -> str:
        """The SQL of `node`; raises BadConfig where it is not on the lists."""
        writers: tuple[tuple[Iterable[type[exp.Expr]], Callable[[Any], str]], ...] = (
            (ATOMS, self._atom),
            (INFIX, self._infix),
            (SIGNS, self._signed),
            (FUNCTIONS, self._function),
            (CONDITIONS, self._condition),
            ((exp.Case,), self._case),
            (OWN, self._own),
            (AGGREGATES, self._aggregate),
        )
        for kinds, write in writers:
            if type(node) in kinds:
                return write(node)
        raise self._unknown(node)

    def _parts(self, node: exp.Expr, *keys: str) -> list[exp.Expr]:
        """The arguments of `node` under `keys`; raises BadConfig where it says anything else."""
        plain = MODIFIERS.get(type(node), {})
        others = {key: held for key, held in node.args.items() if key not in keys}
        if any(held not in (None, [], plain.get(key)) for key, held in others.items()):
            raise self._unknown(node)
        held = [node.args.get(key) for key in keys]
        flat = [part for one in held for part in (one if isinstance(one, list) else [one])]
        return [part for part in flat if isinstance(part, exp.Expr)]

    def _text(self, node: exp.Expr) -> str:
        return f"as_text({self.sql(node)})"

    def _atom(self, node: exp.Expr) -> str:
        if isinstance(node, exp.Literal) and node.is_string:
            return literal(str(node.this))
        if not isinstance(node, exp.Column):
            return "null" if isinstance(node, exp.Null) else str(node.this).lower()
        if len(node.parts) != 1 or not isinstance(node.this, exp.Identifier):
            raise self._unknown(node)
        if self.grouped and not self.inside and node.name not in self.keys:
            raise BadConfig(
                f"column {node.name!r} stands outside sum, count, min, max and any",
                where=self.where,
                got=node.name,
                expected=f"a column of group_by: {', '.join(sorted(self.keys))}",
                next_step="say which line's value is meant, such as any(column);"
                " then: churn-ml config check",
            )
        self.columns.add(node.name)
        of_group = self.grouped and not self.inside
        return f"min({value(node.name)})" if of_group else value(node.name)

    def _infix(self, node: exp.Expr) -> str:
        write = self._text if isinstance(node, OF_TEXT) else self.sql
        left, right = self._parts(node, "this", "expression")
        if isinstance(node, exp.Is) and not isinstance(right, exp.Null | exp.Boolean):
            raise self._unknown(node)
        if isinstance(node, exp.Mul) and (self.inside or not self.grouped):
            return self._product(write(left), write(right))
        return f"({write(left)} {INFIX[type(node)]} {write(right)})"

    def _product(self, left: str, right: str) -> str:
        """A product of one row: where it has more digits than fit, that row does not read."""
        product = f"try({left} * {right})"
        self._note(f"({left} is not null and {right} is not null and {product} is null)")
        return product

    def _note(self, unread: str) -> None:
        self.unread.append(f"bool_or({unread})" if self.inside else unread)

    def _signed(self, node: exp.Expr) -> str:
        (part,) = self._parts(node, "this")
        return f"({SIGNS[type(node)]}{self.sql(part)})"

    def _function(self, node: exp.Expr) -> str:
        name, keys = FUNCTIONS[type(node)]
        write = self._text if isinstance(node, OF_TEXT) else self.sql
        counts = {id(node.args.get(key)) for key in COUNTS}
        parts = [
            f"({self.sql(part)})::bigint" if id(part) in counts else write(part)
            for part in self._parts(node, *keys)
        ]
        return f"{name}({', '.join(parts)})"

    def _condition(self, node: exp.Expr) -> str:
        negated = "not " if node.args.get("negate") else ""
        write = self._text if isinstance(node, exp.Like) else self.sql
        keys = ("this", "expression", "expressions", "low", "high")
        this, *others = map(write, self._parts(node, *keys))
        if isinstance(node, exp.In):
            return f"({this} {negated}in ({', '.join(others)}))"
        if isinstance(node, exp.Like):
            return f"({this} {negated}like {others[0]})"
        return f"({this} {negated}between {others[0]} and {others[1]})"

    def _case(self, node: exp.Expr) -> str:
        self._parts(node, "this", "ifs", "default")
        of = [self.sql(node.args["this"])] if node.args.get("this") else []
        cases = [self._parts(one, "this", "true") for one in node.args["ifs"]]
        of += [f"when {self.sql(when)} then {self.sql(then)}" for when, then in cases]
        if node.args.get("default"):
            of.append(f"else {self.sql(node.args['default'])}")
        return f"(case {' '.join(of)} end)"

    def _own(self, node: exp.Expr) -> str:
        """The language's own functions: number, time, row and any."""
        if isinstance(node, exp.Anonymous):
            name, parts = node.name.lower(), self._parts(node, "this", "expressions")
        else:
            name, parts = node.key, self._parts(node, "this")
        if name == "row" and not parts and (self.inside or not self.grouped):
            return ROW
        if len(parts) != 1 or name not in {"number", "time", "any"}:
            raise self._unknown(node)
        if name == "any":
            return self._in_aggregate(node, lambda: f"arg_min({self.sql(parts[0])}, {ROW})")
        inner = self.sql(parts[0])
        stored = name == "time" and isinstance(parts[0], exp.Column)
        read = time_of(inner) if stored else f"as_{name}({inner})"
        unread = f"({inner} is not null and trim({inner}::varchar) <> '' and {read} is null)"
        self._note(unread)
        return read

    def _aggregate(self, node: exp.Expr) -> str:
        def written() -> str:
            (part,) = self._parts(node, "this")
            if isinstance(node, exp.Count) and isinstance(part, exp.Star):
                return "count(*)"
            if isinstance(node, exp.Count) and isinstance(part, exp.Distinct):
                (of,) = self._parts(part, "expressions")
                return f"count(distinct {self.sql(of)})"
            return f"{AGGREGATES[type(node)]}({self.sql(part)})"

        return self._in_aggregate(node, written)

    def _in_aggregate(self, node: exp.Expr, write: Callable[[], str]) -> str:
        if not self.grouped or self.inside:
            raise BadConfig(
                "sum, count, min, max and any are for groups",
                where=self.where,
                got=node.key,
                expected="group_by beside it, and no other of them inside",
                next_step="add group_by, or take it out; then: churn-ml config check",
            )
        self.inside = True
        try:
            return write()
        finally:
            self.inside = False

    def _unknown(self, node: exp.Expr) -> BadConfig:
        return refused(self.where, node.key, "operators and functions of the language")
