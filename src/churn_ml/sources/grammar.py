"""What an expression may be made of: the nodes that sqlglot may find, and their SQL.

Nothing enters; what leaves is lists. What stands on none of them is refused by `nodes.Writer`.
Worked example: `trim(both 'x' from State)` is a `Trim` with a position, which FUNCTIONS does not
name: it is refused, though `trim(State)` is not.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

INFIX: Mapping[type[exp.Expr], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.DPipe: "||",
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.And: "and",
    exp.Or: "or",
    exp.Is: "is",
}
FUNCTIONS: Mapping[type[exp.Expr], tuple[str, tuple[str, ...]]] = {
    exp.Abs: ("abs", ("this",)),
    exp.Round: ("round", ("this", "decimals")),
    exp.Coalesce: ("coalesce", ("this", "expressions")),
    exp.Nullif: ("nullif", ("this", "expression")),
    exp.Concat: ("concat", ("expressions",)),
    exp.Lower: ("lower", ("this",)),
    exp.Upper: ("upper", ("this",)),
    exp.Trim: ("trim", ("this",)),
    exp.Substring: ("substr", ("this", "start", "length")),
    exp.Replace: ("replace", ("this", "expression", "replacement")),
    exp.SplitPart: ("split_part", ("this", "delimiter", "part_index")),
    exp.StartsWith: ("starts_with", ("this", "expression")),
}
"""Function -> its SQL name, and its arguments in order."""
OF_TEXT = (
    exp.Concat,
    exp.DPipe,
    exp.Like,
    exp.Lower,
    exp.Replace,
    exp.SplitPart,
    exp.StartsWith,
    exp.Substring,
    exp.Trim,
    exp.Upper,
)
COUNTS = ("start", "length", "part_index")
ATOMS = (exp.Column, exp.Literal, exp.Boolean, exp.Null)
SIGNS: Mapping[type[exp.Expr], str] = {exp.Paren: "", exp.Neg: "- ", exp.Not: "not "}
CONDITIONS = (exp.In, exp.Between, exp.Like)
OWN = (exp.Time, exp.Any, exp.Anonymous)
AGGREGATES: Mapping[type[exp.Expr], str] = {
    exp.Sum: "sum",
    exp.Count: "count",
    exp.Min: "min",
    exp.Max: "max",
}
MODIFIERS: Mapping[type[exp.Expr], Mapping[str, bool]] = {
    exp.Div: {"typed": False, "safe": False},
    exp.Concat: {"safe": True, "coalesce": True},
    exp.DPipe: {"safe": True},
    exp.Count: {"big_int": True},
    exp.In: {"negate": True},
    exp.Between: {"negate": True},
    exp.Like: {"negate": True},
}
"""What a node may say beside its arguments, as the plain form of each is parsed."""
