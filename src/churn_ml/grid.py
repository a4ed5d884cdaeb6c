"""A table on a terminal of any width: side by side where it fits, else one block a row.

Enters: heads and cells, and which columns can be spared before that. Leaves: something that rich
prints, in which no cell is broken: numbers and codes stay whole, and only sentences are wrapped,
between words. Worked example: on 132 columns the models stand in a table; on 72 each has a block::

    rule
      grade: D   AUC: 0.739 [0.694, 0.780]
      PR-AUC: 0.265 [0.211, 0.339]
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from shutil import get_terminal_size
from textwrap import wrap
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

GAP = 2
"""Characters between two columns, and before the cells of a block."""
SENTENCE = 30
"""A cell of words is not squeezed below this width."""
WIDTH = 132
"""Columns of a terminal that are used, and of what is none."""


def width() -> int:
    """The columns of the terminal, at most WIDTH; WIDTH where there is no terminal.

    >>> 1 <= width() <= WIDTH
    True
    """
    return min(WIDTH, max(1, get_terminal_size((WIDTH, 0)).columns))


@dataclass(frozen=True)
class Grid:
    """Rows under heads, drawn as wide as the console allows.

    `rows`: one cell a head each, ready to be shown; the first names its row. `spare`: heads of
    columns that are left out where there is no room for all, the first of them first.
    """

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    spare: Sequence[str] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """A table where every column has its room, without some where it must be, else blocks."""
        for left_out in range(len(self.spare) + 1):
            less = self._without(self.spare[:left_out])
            if less.needed() <= options.max_width:
                yield less.table()
                return
        yield Text(self.title, style="bold")
        yield Text("\n".join(self._blocks(options.max_width)))

    def _without(self, names: Sequence[str]) -> Grid:
        kept = [index for index, head in enumerate(self.heads) if head not in names]
        rows = [[row[index] for index in kept] for row in self.rows]
        return Grid(self.title, [self.heads[index] for index in kept], rows)

    @property
    def _columns(self) -> list[tuple[str, ...]]:
        return list(zip(self.heads, *self.rows, strict=True))

    def needed(self) -> int:
        """The width below which a cell would be broken."""
        widths = [max(map(narrowest, column)) for column in self._columns]
        return sum(widths) + GAP * (len(widths) - 1)

    def table(self) -> Table:
        """The rows side by side; `needed` columns or more are there."""
        table = Table(
            title=self.title, title_justify="left", title_style="bold", box=None, pad_edge=False
        )
        for head, *cells in self._columns:
            figures = all(map(_is_figure, cells))
            whole = max(map(narrowest, (head, *cells))) == max(map(_longest, (head, *cells)))
            table.add_column(head, justify="right" if figures else "left", no_wrap=whole)
        for row in self.rows:
            table.add_row(*row)
        return table

    def _blocks(self, width: int) -> Iterable[str]:
        for first, *cells in self.rows:
            yield first
            told = [f"{head}: {cell}" for head, cell in zip(self.heads[1:], cells, strict=True)]
            yield from packed(told, width)


def grid(
    title: str, heads: Sequence[str], rows: Iterable[Sequence[Any]], spare: Sequence[str] = ()
) -> Grid | None:
    """A grid of plain values, or None without rows; `spare`: heads that may be left out.

    >>> grid("Exports", ("day", "sent"), [("2017-10-01", 2036)]).rows
    [['2017-10-01', '2,036']]
    """
    cells = [[shown(value) for value in row] for row in rows]
    return Grid(title, heads, cells, spare) if cells else None


def shown(value: Any) -> str:
    """A value as a cell.

    >>> [shown(value) for value in (None, True, 2036, 17468.777, "done")]
    ['-', 'yes', '2,036', '17,468.78', 'done']
    """
    if isinstance(value, bool) or value is None:
        return "-" if value is None else ("yes" if value else "no")
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.2f}" if isinstance(value, float) else str(value)


def narrowest(cell: str) -> int:
    """The width that a cell needs: all of a figure, a name or a code, a part of a sentence.

    >>> narrowest("0.839 [0.812, 0.866]"), narrowest("the challenger earns +445.01 USD per 1,000")
    (20, 30)
    """
    word = max((len(word) for word in cell.split()), default=0)
    return _longest(cell) if _is_figure(cell) else max(word, min(_longest(cell), SENTENCE))


def packed(cells: Sequence[str], width: int) -> list[str]:
    """Cells one after the other, as many a line as fit; one that is too long is wrapped by words.

    >>> packed(["grade: D", "AUC: 0.739", "why: it earns less"], 24)
    ['  grade: D   AUC: 0.739', '  why: it earns less']
    """
    lines: list[str] = []
    indent = " " * GAP
    for cell in cells:
        if lines and len(lines[-1]) + GAP + 1 + len(cell) <= width and "\n" not in cell:
            lines[-1] += f"{indent} {cell}"
            continue
        for part in cell.splitlines():
            lines += wrap(
                part,
                max(width, GAP + 1),
                initial_indent=indent,
                subsequent_indent=indent,
                break_long_words=False,
                break_on_hyphens=False,
            )
    return lines


def _longest(cell: str) -> int:
    return max(map(len, cell.splitlines()), default=0)


def _is_figure(cell: str) -> bool:
    return cell[:1].isdigit() or cell.startswith("-")
