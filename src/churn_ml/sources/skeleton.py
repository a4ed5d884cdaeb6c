"""The three files that a new source begins with: preset, test and page.

Enters: a name and a checkout of churn_ml. Leaves: files that pass lint and types as they are, with
everything to be written said in words. Worked example: `write("corner_shop", Path("."))`; the test
it writes fails until the preset brings a table.
"""

from __future__ import annotations

import re
from pathlib import Path

from churn_ml.errors import BadInput

_MODULE = '''"""NAME: one sentence on what the data are, and of when.

Enters: the files as they are published. Leaves: which tables, and by which rules. Worked example:
one real line of the file, and the row it becomes.
"""

from __future__ import annotations

from churn_ml.config import SourceTable
from churn_ml.sources.protocol import Preset


def preset() -> Preset:
    """What a shop would have to write to bring this data set; it says only where the files are.

    >>> sorted(preset().tables)
    ['orders']
    """
    orders = SourceTable(
        columns={"order_id": "order", "customer_id": "customer", "occurred_at": "date"},
        constants={"currency": "EUR", "status": "completed"},
    )
    return Preset({"orders": orders})
'''
_TEST = '''"""NAME: known counts of the data set, and the rules that its page states."""

from __future__ import annotations

from pathlib import Path

import pytest

from churn_ml.config import from_text
from churn_ml.sources import open_source


def test_a_line_becomes_an_order(tmp_path: Path) -> None:
    (tmp_path / "lines.csv").write_text("order,customer,date\\n1,h1,2017-09-30\\n")
    text = (
        '[shop]\\nname = "s"\\ncurrency = "EUR"\\n'
        '[sources.orders]\\nkind = "NAME"\\nfiles = "*.csv"\\n'
    )
    source = open_source(from_text(text, root=tmp_path))
    (rows,) = source.batches(source.lots())
    assert rows["customer_id"].to_pylist() == ["h1"]


def test_the_data_set_has_the_counts_of_its_publication() -> None:
    pytest.fail("read the real file, and compare with its publisher's counts")
'''
_PAGE = """# NAME: what it is

```toml
[sources.orders]
kind = "NAME"
files = "..."
```

What the data are, who publishes them, under which licence, and where to get them.

Tables: orders. Which rules make them; what is left out, and why; what the data do not hold.
"""


def write(name: str, checkout: Path) -> list[Path]:
    """Write the skeleton of the source `name` into `checkout`; returns the files written.

    Raises BadInput where the name is no name of a kind, `checkout` is none, or a file is there.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise BadInput(
            "that is no name for a kind of source",
            got=name,
            expected="lower-case letters, digits and underscores, a letter first",
            next_step="churn-ml source new corner_shop",
        )
    if not (checkout / "src/churn_ml/sources/kinds.py").is_file():
        raise BadInput(
            f"{checkout} is no checkout of churn_ml",
            expected="a folder with src/churn_ml/sources",
            next_step="clone the repository, and pass --checkout FOLDER",
        )
    files = {
        checkout / f"src/churn_ml/sources/{name}.py": _MODULE,
        checkout / f"tests/sources/test_{name}.py": _TEST,
        checkout / f"docs/sources-{name.replace('_', '-')}.md": _PAGE,
    }
    for path in files:
        if path.exists():
            raise BadInput(f"{path} is there already", next_step="choose another name")
    for path, text in files.items():
        path.write_text(text.replace("NAME", name), encoding="utf-8")
    return list(files)
