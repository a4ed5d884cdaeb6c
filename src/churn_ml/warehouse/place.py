"""Where a lake lies: a local folder, or a prefix on an object store.

Enters: a URI of churn.toml. Leaves: the URI as Delta takes it, and its folder where it has one.
Worked example: `s3://bucket/lake` has none, so nothing is synced and nothing spills there.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from churn_ml.errors import BadConfig


def folder(uri: str) -> Path | None:
    """The local folder that `uri` names, or None on an object store.

    >>> folder("/data/lake"), folder("file:///data/my%20lake"), folder("s3://bucket/lake")
    (PosixPath('/data/lake'), PosixPath('/data/my lake'), None)
    """
    if "://" not in uri:
        return Path(uri)
    return Path(unquote(urlsplit(uri).path)) if uri.startswith("file://") else None


def checked(uri: str) -> str:
    """`uri` with a local folder made absolute.

    Raises: BadConfig for characters in it that make Delta lose or leave the folder.

    >>> checked("s3://bucket/lake/")
    's3://bucket/lake'
    """
    root = folder(uri)
    if root is None:
        return uri.rstrip("/")
    place = str(root.absolute())
    if bad := sorted({c for c in place if c in "%#[]|^\\*?" or not c.isprintable()}):
        raise BadConfig(
            "the lake's folder has characters that Delta cannot store",
            where="[paths] lake",
            got=f"{' '.join(map(repr, bad))} in {place!r}",
            next_step="choose another folder",
        )
    return place
