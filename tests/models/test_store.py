"""Models on disk: whole or not at all, and not a byte other than the saved one."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import xgboost
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from churn_ml.errors import BadInput, BrokenPromise, NotReady, Tampered
from churn_ml.models import Bundle, apart, family, load, save
from churn_ml.models.example import SETTING, by_hand
from churn_ml.models.protocol import to_json
from churn_ml.models.store import keep

if TYPE_CHECKING:
    import pandas as pd


def test_a_bundle_comes_back_as_it_was_saved(
    bundle: Bundle, rows: pd.DataFrame, tmp_path: Path
) -> None:
    model_id = save(bundle, tmp_path)
    again = load(tmp_path / model_id, sha256=bundle.sha256)
    assert again.id == model_id == bundle.id
    assert (again.tau, again.origin) == (bundle.tau, bundle.origin)
    np.testing.assert_array_equal(again.model.predict(rows), bundle.model.predict(rows))
    np.testing.assert_array_equal(again.value.predict(rows), bundle.value.predict(rows))


def test_the_id_is_the_family_and_twelve_digits(bundle: Bundle) -> None:
    assert bundle.id == f"{bundle.model.family}-{bundle.sha256[:12]}"


def test_m6_trained_twice_gives_one_id(
    bundle: Bundle, rows: pd.DataFrame, label: np.ndarray
) -> None:
    fitted = family(bundle.model.family).model.fit(rows, label, SETTING)
    assert dataclasses.replace(bundle, model=fitted).id == bundle.id


@pytest.mark.parametrize(
    "change", [{"tau": 2.6}, {"origin": {"contract": "gone90-0"}}, {"origin": {"spec_hash": "6"}}]
)
def test_another_threshold_or_definition_is_another_model(
    bundles: dict[str, Bundle], change: dict[str, Any]
) -> None:
    bundle = bundles["rule"]
    if "origin" in change:
        change = {"origin": dataclasses.replace(bundle.origin, **change["origin"])}
    assert dataclasses.replace(bundle, **change).id != bundle.id


def test_saving_twice_is_saving_once(bundle: Bundle, tmp_path: Path) -> None:
    assert save(bundle, tmp_path) == save(bundle, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [bundle.id]


def test_two_savers_at_once_leave_one_whole_model(
    bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    bundle = bundles["xgboost"]
    savers = [threading.Thread(target=save, args=(bundle, tmp_path)) for _ in range(4)]
    for saver in savers:
        saver.start()
    for saver in savers:
        saver.join()
    assert [path.name for path in tmp_path.iterdir()] == [bundle.id]
    assert load(tmp_path / bundle.id).id == bundle.id


def test_c13_every_file_of_a_model_and_every_name_on_the_way_to_it_is_on_disk_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, root = by_hand(), tmp_path / "var" / "models"
    forced: list[Path] = []
    fsync, rename = os.fsync, Path.rename

    def noted_sync(descriptor: int) -> None:
        forced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    def noted_rename(path: Path, target: Path) -> Path:
        """What was forced to disk before has its last name from here on."""
        forced[:] = [
            target / one.relative_to(path) if one.is_relative_to(path) else one for one in forced
        ]
        forced.append(target)
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "rename", noted_rename)
    save(bundle, root)
    folder = root / bundle.id
    files = [folder / name for name in (*bundle.contents, "manifest.json")]
    folders = sorted({file.parent for file in files} | {folder})
    assert forced == [tmp_path, tmp_path / "var", *files, *folders, folder, root]
    forced.clear()
    save(bundle, root)
    assert forced == [root], "who saved it first may have been killed before its name was on disk"
    forced.clear()
    keep(bundle.model, root / "rule")
    assert forced[-2:] == [root / "rule", root]
    assert root / "rule" / "manifest.json" in forced


def test_c13_the_leftover_of_a_killed_saver_is_in_nobodys_way(
    bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    bundle = bundles["rule"]
    half = tmp_path / f".{bundle.id}-x1y2z3" / "model"
    half.mkdir(parents=True)
    (half / "rule.json").write_bytes(b'{"inter')
    save(bundle, tmp_path)
    assert load(tmp_path / bundle.id).id == bundle.id


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_m11_one_flipped_bit_anywhere_is_tampering(
    bundle: Bundle, tmp_path: Path, data: st.DataObject
) -> None:
    folder = tmp_path / save(bundle, tmp_path)
    path = data.draw(st.sampled_from(sorted(p for p in folder.rglob("*") if p.is_file())))
    good = path.read_bytes()
    bit = data.draw(st.integers(0, len(good) * 8 - 1))
    bad = bytearray(good)
    bad[bit // 8] ^= 1 << bit % 8
    path.write_bytes(bad)
    try:
        with pytest.raises(Tampered, match="not those that were saved"):
            load(folder)
    finally:
        path.write_bytes(good)


@pytest.mark.parametrize("name", ["manifest.json", "model/booster.ubj", "value/value.json"])
def test_m11_a_truncated_or_missing_file_is_tampering(
    bundles: dict[str, Bundle], tmp_path: Path, name: str
) -> None:
    folder = tmp_path / save(bundles["xgboost"], tmp_path)
    path = folder / name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Tampered, match=name.rpartition("/")[2]):
        load(folder)
    path.unlink()
    with pytest.raises(Tampered, match="missing"):
        load(folder)


def test_a_whole_other_model_under_the_recorded_name_is_tampering(
    bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    mine, other = bundles["rule"], dataclasses.replace(bundles["rule"], tau=9.0)
    save(other, tmp_path)
    (tmp_path / other.id).rename(tmp_path / mine.id)
    with pytest.raises(Tampered):
        load(tmp_path / mine.id)
    with pytest.raises(Tampered):
        save(mine, tmp_path)


def test_the_ledgers_sha256_decides_where_twelve_digits_agree(
    bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    folder = tmp_path / save(bundles["rule"], tmp_path)
    with pytest.raises(Tampered):
        load(folder, sha256="0" * 64)


def test_a_folder_without_its_id_needs_the_ledgers_sha256(
    bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    bundle = bundles["rule"]
    renamed = (tmp_path / save(bundle, tmp_path)).rename(tmp_path / "copy")
    with pytest.raises(Tampered, match="does not carry its model id"):
        load(renamed)
    assert load(renamed, sha256=bundle.sha256).id == bundle.id


def forged(folder: Path, **change: object) -> Path:
    """The model at `folder` with another manifest, under the id that fits it."""
    manifest = json.loads((folder / "manifest.json").read_bytes()) | change
    content = to_json(manifest)
    (folder / "manifest.json").write_bytes(content)
    return folder.rename(folder.parent / f"rule-{hashlib.sha256(content).hexdigest()[:12]}")


def test_a_format_of_another_time_is_refused(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    folder = forged(tmp_path / save(bundles["rule"], tmp_path), format=2)
    with pytest.raises(BadInput, match="format that this version does not read"):
        load(folder)


def grown_otherwise(data: bytes, **changed: float) -> bytes:
    """A booster as JSON, of whose first tree the root says something else."""
    whole = json.loads(xgboost.Booster(model_file=bytearray(data)).save_raw("json"))
    tree = whole["learner"]["gradient_booster"]["model"]["trees"][0]
    for name, value in changed.items():
        tree[name] = [value, *tree[name][1:]]
    return json.dumps(whole).encode()


@pytest.mark.parametrize(
    ("booster", "said"),
    [
        pytest.param(lambda data: data[:-5], "json.cc", id="refused by XGBoost"),
        pytest.param(lambda _: b"", "the child process died of SIG", id="crashes XGBoost"),
        pytest.param(
            lambda data: grown_otherwise(data, left_children=10**8, right_children=10**8),
            "the child process died of SIG",
            id="parses, and crashes when it predicts",
        ),
        pytest.param(
            lambda data: grown_otherwise(
                data, left_children=-1, right_children=-1, split_conditions=float("nan")
            ),
            "it predicts [nan, nan]",
            id="parses, and predicts no number",
        ),
    ],
)
def test_m11_a_booster_that_breaks_xgboost_is_refused_though_its_sha256_fits(
    bundles: dict[str, Bundle],
    tmp_path: Path,
    booster: Callable[[bytes], bytes],
    said: str,
) -> None:
    folder = tmp_path / save(bundles["xgboost"], tmp_path)
    broken = booster((folder / "model/booster.ubj").read_bytes())
    (folder / "model/booster.ubj").write_bytes(broken)
    names = bundles["xgboost"].manifest["files"]
    folder = forged(folder, files=names | {"model/booster.ubj": hashlib.sha256(broken).hexdigest()})
    with pytest.raises(Tampered, match="XGBoost cannot parse") as refused:
        load(folder)
    assert said in str(refused.value.got)


def test_s2_the_child_that_parses_a_booster_sees_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teller = tmp_path / "teller.py"
    teller.write_text("import os, sys; sys.stderr.write(repr(dict(os.environ))); sys.exit(3)")
    monkeypatch.setattr(apart, "PARSER", teller)
    monkeypatch.setenv("A_SECRET", "canary-key")
    with pytest.raises(Tampered) as told:
        apart.parsed({"model/booster.ubj": b""}, tmp_path)
    assert "OMP_NUM_THREADS" in str(told.value.got)
    assert "canary-key" not in str(told.value.got)


def test_a_child_that_cannot_begin_says_nothing_of_the_booster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import a_package_that_is_not_there")
    monkeypatch.setattr(apart, "PARSER", broken)
    with pytest.raises(BrokenPromise, match="a_package_that_is_not_there"):
        apart.parsed({"model/booster.ubj": b""}, tmp_path)


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "model/../../x", "model/a/b"])
def test_s4_a_manifest_cannot_name_a_file_outside_its_folder(
    bundles: dict[str, Bundle], tmp_path: Path, path: str
) -> None:
    folder = forged(tmp_path / save(bundles["rule"], tmp_path), files={path: "0" * 64})
    with pytest.raises(Tampered, match="outside its folder"):
        load(folder)


def test_a_model_that_is_not_there_says_how_to_get_it_back(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="rule-000000000000"):
        load(tmp_path / "rule-000000000000")


def test_no_file_of_a_model_is_a_pickle(bundle: Bundle) -> None:
    assert {path.rpartition(".")[2] for path in bundle.contents} <= {"json", "ubj"}
