"""Models on disk: a folder of native files, a manifest that names them, and one sha256 over all.

The folder of a `Bundle` carries its id, the family and the first 12 digits of the sha256 of the
manifest, which in turn holds the sha256 of every file::

    models/xgboost-3f2a9c1d0b7e/manifest.json
                                model/booster.ubj  model/features.json
                                value/...

Enters: a fitted bundle, or a folder. Leaves: the other of the two. There is no pickle, and nothing
is parsed before its sha256 has been checked: a flipped bit in a UBJ file can crash the parser, and
with it the process (fault M11). The ledger holds the sha256 of the manifest, the manifest that of
every file, and what is parsed are the bytes in memory that were hashed, not the file read again.
A booster goes through a child process first, see apart.py.

Worked example: trained on 2017-10-01 twice with the same rows, settings and seed, the bundle gets
the same id, and the second `save` finds its work done.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from churn_ml.durable import made, sync
from churn_ml.errors import BadInput, BrokenPromise, NotReady, Tampered
from churn_ml.models import apart
from churn_ml.models.bundle import FORMAT, Bundle, sha256_of
from churn_ml.models.families import family
from churn_ml.models.protocol import Model, to_json
from churn_ml.models.recalibration import restored

MANIFEST = "manifest.json"
_ID = re.compile(r"[a-z0-9_]+-[0-9a-f]{12}")
_FILE = re.compile(r"(model|value)/[A-Za-z0-9_][A-Za-z0-9_.-]*")


def save(bundle: Bundle, root: Path) -> str:
    """Write `bundle` into its own folder below `root`; returns the model id.

    All or nothing: written under a temporary name, synced, then renamed. A folder of that id which
    is already there is verified and kept. Raises Tampered where its bytes differ.
    """
    made(root)
    folder = root / bundle.id
    if not folder.exists():
        part = Path(tempfile.mkdtemp(prefix=f".{bundle.id}-", dir=root))
        try:
            _write(part, {**bundle.contents, MANIFEST: to_json(bundle.manifest)})
            part.rename(folder)
        except OSError:
            shutil.rmtree(part, ignore_errors=True)
            # renaming fails where another process saved the same model in between: that is fine
            if not folder.exists():
                raise
    sync(root)  # who renamed it may have been killed before
    _checked_files(folder, _checked_manifest(folder, bundle.sha256))
    return bundle.id


def load(folder: Path, *, sha256: str | None = None) -> Bundle:
    """The bundle in `folder`, whose name is the model id.

    `sha256`: the manifest's, as the ledger recorded it; without it the 12 digits in the folder's
    name are compared. Raises NotReady where there is no such folder, Tampered where a byte differs
    or a child process does not survive parsing it, BadInput for a format of another time.
    """
    manifest = _checked_manifest(folder, sha256)
    if manifest.get("format") != FORMAT:
        raise BadInput(
            "the model is stored in a format that this version does not read",
            where=str(folder),
            got=manifest.get("format"),
            expected=FORMAT,
            next_step="train again, or score with the churn_ml version that wrote it",
        )
    files = _checked_files(folder, manifest)
    apart.parsed(files, folder)
    bundle = Bundle.restored(manifest, files)
    if bundle.manifest != manifest:
        raise BrokenPromise("a model does not survive being stored", where=str(folder))
    return bundle


def keep(model: Model, folder: Path) -> None:
    """Write a fitted model alone, without value or threshold, as `folder`; all or nothing.

    It is a part of a training that another process goes on with; `kept` reads it.
    """
    files = {f"model/{name}": data for name, data in model.files().items()}
    manifest = {"files": {path: sha256_of(data) for path, data in sorted(files.items())}}
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    _write(part, {**files, MANIFEST: to_json(manifest)})
    try:
        part.rename(folder)
    except OSError:
        shutil.rmtree(part, ignore_errors=True)
        # renaming fails where another process kept the same model in between: that is fine
        if not folder.exists():
            raise
    sync(folder.parent)


def kept(folder: Path, name: str) -> Model:
    """The fitted model of family `name` that `keep` wrote as `folder`.

    Raises NotReady where there is none, Tampered as `load` does.
    """
    if not folder.is_dir():
        raise NotReady(
            f"candidate {name} is not fitted yet",
            where=str(folder.parent),
            next_step="let its fit task end, then clear conclude",
        )
    files = _checked_files(folder, json.loads(_read(folder, MANIFEST)))
    apart.parsed(files, folder)
    own = {path.removeprefix("model/"): data for path, data in files.items()}
    return restored(family(name), own)


def _checked_manifest(folder: Path, sha256: str | None) -> dict[str, Any]:
    """The manifest, parsed only after its bytes were found to be the recorded ones."""
    if not folder.is_dir():
        raise NotReady(
            f"there is no model folder {folder.name}",
            where=str(folder.parent),
            next_step="train, or restore the folder from MLflow's artifacts or a backup",
        )
    data = _read(folder, MANIFEST)
    digest = sha256_of(data)
    named = folder.name.rpartition("-")[2] if _ID.fullmatch(folder.name) else None
    if (sha256 or named) is None:
        raise Tampered(
            "a model folder does not carry its model id",
            where=str(folder),
            got=folder.name,
            expected="a name such as xgboost-3f2a9c1d0b7e",
            next_step="give the folder its id back, or pass the sha256 that the ledger recorded",
        )
    if (sha256 not in (None, digest)) or (named not in (None, digest[:12])):
        raise _tampered(folder, MANIFEST, digest, sha256 or f"{named}...")
    manifest: dict[str, Any] = json.loads(data)
    return manifest


def _checked_files(folder: Path, manifest: Mapping[str, Any]) -> dict[str, bytes]:
    """Every file that the manifest names; raises Tampered where its bytes are others."""
    files = {}
    for path, expected in manifest["files"].items():
        if not _FILE.fullmatch(path):
            raise Tampered(
                "a manifest names a file outside its folder", where=str(folder), got=path
            )
        files[path] = _read(folder, path)
        if sha256_of(files[path]) != expected:
            raise _tampered(folder, path, sha256_of(files[path]), expected)
    return files


def _read(folder: Path, path: str) -> bytes:
    try:
        return (folder / path).read_bytes()
    except FileNotFoundError as error:
        raise Tampered(
            "a file of a stored model is missing",
            where=str(folder),
            expected=path,
            next_step="restore the folder from MLflow's artifacts or a backup",
        ) from error


def _tampered(folder: Path, path: str, got: str, expected: str) -> Tampered:
    return Tampered(
        "the bytes of a stored model are not those that were saved",
        where=str(folder / path),
        got=f"sha256 {got[:12]}",
        expected=f"sha256 {expected[:12]}",
        next_step="remove the folder and restore it from MLflow's artifacts or a backup",
    )


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write and sync every file, then the folders that hold them."""
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(exist_ok=True)
        with target.open("wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
    for each in sorted({(folder / path).parent for path in files} | {folder}):
        sync(each)
