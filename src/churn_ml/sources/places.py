"""Where files are: below the folder of churn.toml, anywhere by an absolute glob, or at a URI.

Enters: a glob or any fsspec URI with a glob (`s3://bucket/drops/*.parquet`). Leaves: the names of
the files that match, and each as an open binary file that can be read twice; a file that is not on
this machine is copied to a temporary one first, so that what is parsed is what was hashed.

Credentials of an object store come from the environment, as its own tools read them; a URI that
holds some is refused. Refused is also a link that leads out of the shop's folder: whoever may drop
a file could have any file of this machine read. Worked example: `drops/orders/o.csv` is a link to
`/etc/passwd`; the ingest stops and names it.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from churn_ml.errors import BadConfig, BadInput, Unreachable

_URI = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*(://|::)")
_GLOB = re.compile(r"[*?\[]")
_IN_MEMORY_BYTES = 64 * 2**20


def found(root: Path, pattern: str, name: str) -> list[str]:
    """The files that match the glob or URI `pattern`, sorted; a relative one is below `root`.

    Names that begin with a dot or underscore are still being written. `name` is the table, for
    messages. Raises BadInput where a link leads out, BadConfig where a URI cannot be meant,
    Unreachable where its store does not answer.
    """
    if _URI.match(pattern) and not pattern.startswith("file://"):
        return _remote(pattern, name)
    return _local(root, pattern.removeprefix("file://"), name)


@contextmanager
def opened(where: str, table: str) -> Iterator[IO[bytes]]:
    """The file at `where`, one of `found`, for reading twice."""
    if not _URI.match(where):
        with Path(where).open("rb") as local:
            yield local
        return
    with spool() as copy:
        with _told(where, table):
            system, path = _system(where)
            with system.open(path, "rb") as remote:
                shutil.copyfileobj(remote, copy, 2**20)
        copy.seek(0)
        yield copy


def spool() -> IO[bytes]:
    """A temporary file that stays in memory while it is small."""
    return tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)


def _local(root: Path, pattern: str, name: str) -> list[str]:
    fixed = Path(re.split(_GLOB, pattern, maxsplit=1)[0] + "x").parent
    given = Path(pattern)
    inside = root
    if given.is_absolute() or ".." in given.parts:
        inside = root / fixed
    if given.is_absolute():
        root, pattern = Path(given.anchor), str(given.relative_to(given.anchor))
    files = [p for p in root.glob(pattern) if p.is_file() and p.name[0] not in "._"]
    for path in files:
        if not path.resolve().is_relative_to(inside.resolve()):
            raise BadInput(
                "a link leads out of the shop's folder",
                where=f"table {name}, file {path}",
                expected=f"a file below {inside}",
                next_step="remove the link, or name the other folder in files by its full path",
            )
    return sorted(map(str, files))


def _remote(pattern: str, name: str) -> list[str]:
    if "::" in pattern or re.match(r"^(zip|tar|libarchive)://", pattern):
        raise BadConfig(
            "files inside archives, and chained URIs, are not read",
            where=f"[sources.{name}] files",
            expected="one URI, such as s3://bucket/drops/*.csv.gz",
            next_step="have the files unpacked into the store",
        )
    if re.match(r"^[^/]*//[^/]*@", pattern):
        raise BadConfig(
            "a URI must not hold credentials",
            where=f"[sources.{name}] files",
            expected="credentials in the environment, as the store's own tools read them",
            next_step="take them out of churn.toml, and have them changed",
        )
    with _told(pattern, name):
        system, path = _system(pattern)
        names = [path] if not _GLOB.search(path) else system.glob(path)
        files = [n for n in names if n.rsplit("/", 1)[-1][:1] not in {"", ".", "_"}]
        return sorted(system.unstrip_protocol(n) for n in files if system.isfile(n))


def _system(uri: str) -> tuple[Any, str]:
    """The fsspec file system of a URI, and the path in it."""
    from fsspec.core import url_to_fs

    system, path = url_to_fs(uri)
    system.invalidate_cache()
    return system, path


@contextmanager
def _told(uri: str, name: str) -> Iterator[None]:
    """Errors of a store, in the house's words: its own may hold addresses and keys."""
    scheme = uri.partition("://")[0]
    try:
        yield
    except (ImportError, ValueError) as error:
        raise BadConfig(
            f"{scheme}:// cannot be opened",
            where=f"[sources.{name}] files",
            got=type(error).__name__,
            expected="a scheme that fsspec knows, with its package installed",
            next_step="correct the URI, or install its package (pip install s3fs, gcsfs, adlfs)",
        ) from None
    except Exception as error:  # noqa: BLE001 - every store has errors of its own
        raise Unreachable(
            f"the store of table {name} did not give its files",
            where=f"[sources.{name}] files, {scheme}://",
            got=type(error).__name__,
            next_step="check address, credentials in the environment, and rights; then run again",
        ) from None
