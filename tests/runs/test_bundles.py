"""A run that is taken elsewhere in a bundle is there to the bit, and a bundle that is none leaves nothing."""

from __future__ import annotations

import io
import json
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from run_material import epoch_end, finished, started

from bench.reliability.bundles import import_hostile, made_bundle, unzipped
from bench.reliability.card import Tally
from core import models
from core.cli.app import main
from core.config import RunConfig, run_config
from core.errors import InputError
from core.machine.precision import with_private_init
from core.runs import artefacts, bundles, writing
from core.runs.imported import import_bundle
from core.runs.store import Store, runs_root

OWNER = "0" * 31 + "f"
TABLES = {
    "runs": "run_id, name, config, created_utc, tags, notes", "events": "run_id, kind, epoch, step, payload",
    "artefacts": "role, epoch, sha256, bytes", "summaries": "run_id, status, payload",
}  # fmt: skip


@pytest.fixture(scope="module")
def first_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("first") / "runs"


@pytest.fixture(scope="module")
def bundle(first_root: Path) -> bytes:
    return made_bundle(first_root)


def told(store: Store, table: str, condition: str = "") -> list[tuple[Any, ...]]:
    query = f"SELECT {TABLES[table]} FROM {table}{condition} ORDER BY {'seq' if table == 'events' else 'rowid'}"
    return [tuple(row) for row in store.database.read(query)]


def with_run(content: bytes, **changes: Any) -> bytes:
    """The same bundle with other values in its run.json, and right checksums."""
    files = unzipped(content)
    return bundles.zipped({**files, bundles.RUN: json.dumps({**json.loads(files[bundles.RUN]), **changes}).encode()})


def test_a_run_is_elsewhere_what_it_was(bundle: bytes, first_root: Path, store: Store) -> None:
    taken = import_bundle(store, bundle, OWNER)
    first = Store(first_root)
    assert taken.is_new
    assert told(store, "runs") == told(first, "runs")
    assert told(store, "events") == told(first, "events")
    assert "judged" in {row[1] for row in told(store, "events")}
    assert told(store, "summaries") == told(first, "summaries")
    kept = " WHERE role IN ('best', 'eval-val', 'eval-test')"
    assert sorted(told(store, "artefacts")) == sorted(told(first, "artefacts", kept))
    run, before = store.run(taken.run_id), first.run(taken.run_id)
    assert (run.owner, run.group, run.name, run.tags) == (OWNER, "", "Zürich 🎈", ("a", "b"))
    assert run.summary == before.summary
    for name, array in first.snapshot(run.run_id)[1].items():
        assert np.array_equal(store.snapshot(run.run_id)[1][name], array)
    assert {**run.manifest, "imported_utc": ""} == {**before.manifest, "imported_utc": ""}
    assert (run.is_from_elsewhere, before.is_from_elsewhere) == (True, False)
    assert bundles.pack(store, run.run_id) == bundle, "what came in goes on as it is"
    assert import_bundle(store, with_run(bundle, name="other"), "") == (run.run_id, False)
    assert store.run(run.run_id).name == "Zürich 🎈"


def test_quotas_count_and_what_was_deleted_stays_so(
    bundle: bytes, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = import_bundle(store, bundle, OWNER).run_id
    another = with_run(bundle, run_id="f" * 32, name="")
    monkeypatch.setenv("DIGIT_LAB_MAX_STORED", "1")
    with pytest.raises(InputError, match="1 run stored"):
        import_bundle(store, another, OWNER)
    monkeypatch.delenv("DIGIT_LAB_MAX_STORED")
    monkeypatch.setenv("DIGIT_LAB_MAX_DISK_GB", "0.000001")
    with pytest.raises(InputError, match="DIGIT_LAB_MAX_DISK_GB"):
        import_bundle(store, another, "command line")
    monkeypatch.delenv("DIGIT_LAB_MAX_DISK_GB")
    assert [run.run_id for run in store.runs()] == [run_id]
    assert import_bundle(store, another, OWNER).is_new
    assert "MLP" in store.run("f" * 32).name, "without a name of its own it is called by its settings"
    store.delete(run_id)
    with pytest.raises(InputError, match="was deleted"):
        import_bundle(store, bundle, OWNER)


def repacked(content: bytes, change: Callable[[dict[str, tuple[zipfile.ZipInfo, bytes]]], None]) -> bytes:
    """The same ZIP with something else in it; its checksums stay."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = {entry.filename: (entry, archive.read(entry)) for entry in archive.infolist()}
    change(entries)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for entry, part in entries.values():
            archive.writestr(entry, part, compress_type=entry.compress_type)
    return stream.getvalue()


def entry(name: str, content: bytes = b"x", mode: int = 0, compress_type: int = 0) -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo(name)
    info.external_attr, info.compress_type = mode << 16, compress_type
    return info, content


@pytest.mark.parametrize(
    ("added", "reason"),
    [
        (entry("../outside"), "it holds a file"),
        (entry("/etc/outside"), "it holds a file"),
        (entry("weights.pkl"), "it holds a file"),
        (entry("answers-train.safetensors"), "it holds a file"),
        (entry("weights.safetensors", b"/etc/passwd", stat.S_IFLNK | 0o777), "a link"),
        (entry("events.jsonl", b"\n" * 60_000_000, compress_type=zipfile.ZIP_DEFLATED), "is compressed"),
        (entry("run.json", b" " * 2_000_000), "more than 1,000,000 bytes"),
        (entry("events.jsonl", b"\n" * (bundles.MAX_EVENTS_BYTES + 1)), "more than 67,108,864 bytes"),
        (entry("config.json", b"{}"), "not what was written"),
        (entry("manifest.json", b"[" * 100_000), "damaged"),
        (entry("manifest.json", b'{"format": 2}'), "made by a newer Digit Lab"),
        (entry("manifest.json", b'{"format": "1"}'), "names no format"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0].filename,
)
def test_a_hostile_zip_is_refused(
    bundle: bytes, store: Store, added: tuple[zipfile.ZipInfo, bytes], reason: str
) -> None:
    hostile = repacked(bundle, lambda entries: entries.update({added[0].filename: added}))
    with pytest.raises(InputError, match=reason):
        import_bundle(store, hostile, OWNER)
    assert (store.runs(), list((store.root / "artefacts").glob("*/*"))) == ([], [])


def test_a_zip_of_many_files_is_refused_before_they_are_listed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for place in range(500):
            archive.writestr(f"{place}", b"")
    monkeypatch.setattr(zipfile, "ZipFile", None)  # that would list them
    for content in (stream.getvalue(), stream.getvalue() + b"more", b"", b"PK"):
        with pytest.raises(InputError, match="it is no ZIP file"):
            import_bundle(store, content, OWNER)


def changed_weights(change: Callable[[dict[str, Any], dict[str, Any]], None]) -> Callable[[dict[str, bytes]], None]:
    def with_changes(files: dict[str, bytes]) -> None:
        about, arrays = artefacts.unpack(files["weights.safetensors"])
        change(about, arrays)
        files["weights.safetensors"] = artefacts.pack(about, arrays)

    return with_changes


def replaced(name: str, old: bytes, new: bytes) -> Callable[[dict[str, bytes]], None]:
    def with_changes(files: dict[str, bytes]) -> None:
        assert files[name].count(old), name
        files[name] = files[name].replace(old, new)

    return with_changes


def first_array(arrays: dict[str, Any]) -> str:
    return next(name for name, array in arrays.items() if array.ndim == 2)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (replaced("config.json", b'"mlp"', b'"vgg99"'), "architecture is 'vgg99'"),
        (replaced("config.json", b'"lr": 0.001', b'"lr": 11.0'), "allowed is"),
        (replaced("config.json", b'"lr": 0.001', b'"lr": "0.001"'), "lr"),
        (replaced("config.json", b'"lr": 0.001', b'"lr": 0.001, "hook": 1'), "hook"),
        (replaced("config.json", b'"seed": 0', b'"seed": 7'), "environment.json, seed"),
        (replaced("events.jsonl", b'"steps_per_epoch": 2', b'"steps_per_epoch": 0'), "line 1, steps_per_epoch"),
        (replaced("events.jsonl", b'"started"', b'"checkpoint"'), "line 1"),
        (replaced("run.json", b'"run_id": "0', b'"run_id": "00000000000'), "the run's id"),
        (replaced("run.json", b'"status": "finished"', b'"status": "stopped"'), "its summary"),
        (replaced("run.json", b'"test_acc": 0', b'"test_acc": 1'), "its summary, test_acc|accuracy of its test answers"),
        (replaced("run.json", b'+00:00"', b'"'), "its time of creation"),
        (changed_weights(lambda _, arrays: arrays.update({first_array(arrays): np.zeros((3, 3), "f4")})), "another network"),
        (changed_weights(lambda _, arrays: arrays.update(more=np.zeros(3, np.float32))), "another network"),
        (changed_weights(lambda _, arrays: arrays[first_array(arrays)].fill(np.nan)), "no numbers"),
        (changed_weights(lambda about, _: about.update(std=0.0)), "mean"),
        (changed_weights(lambda about, _: about["config"]["training"].update(seed=9)), "its weights"),
    ],
)  # fmt: skip
def test_a_bundle_that_lies_is_refused(
    bundle: bytes, store: Store, change: Callable[[dict[str, bytes]], None], reason: str
) -> None:
    files = unzipped(bundle)
    change(files)
    with pytest.raises(InputError, match=reason):
        import_bundle(store, bundles.zipped(files), OWNER)
    assert store.runs() == []


def test_a_run_of_every_architecture_can_come_in(bundle: bytes, store: Store) -> None:
    files = unzipped(bundle)
    about, _ = artefacts.unpack(files["weights.safetensors"])
    for place, architecture in enumerate(models.TABLE):
        tiny = {**models.get(architecture).tiny, "epochs": 1, "n_train": 100, "dataset": "digits", "tta_views": 1}
        settings = run_config(architecture, tiny)
        config = settings.model_dump(mode="json")
        environment = json.loads(files["environment.json"]) | {"architecture": architecture}
        module = with_private_init(architecture, settings.model)
        weights = {name: tensor.numpy() for name, tensor in module.state_dict().items()}
        content = bundles.zipped(
            files
            | {
                "run.json": json.dumps(json.loads(files["run.json"]) | {"run_id": f"f{place:031x}"}).encode(),
                "config.json": json.dumps(config).encode(),
                "environment.json": json.dumps(environment).encode(),
                "weights.safetensors": artefacts.pack(
                    about | {"config": config, "architecture": architecture}, weights
                ),
            }
        )
        run_id = import_bundle(store, content, OWNER).run_id
        assert store.snapshot(run_id)[1].keys() == weights.keys()
    assert len(store.runs()) == len(models.TABLE)


def test_runs_of_an_older_version_can_be_taken_along(tmp_path: Path, store: Store) -> None:
    with tarfile.open(Path(__file__).parents[1] / "fixtures" / "store_format_2.tar.xz") as archive:
        archive.extractall(tmp_path / "old", filter="data")
    old = Store(tmp_path / "old")
    ended = [run for run in old.runs() if run.has_ended][::3]
    for run in ended:
        import_bundle(store, bundles.pack(old, run.run_id), OWNER)
        assert (store.run(run.run_id).summary, store.run(run.run_id).config) == (run.summary, run.config)
        assert [event for _, event in store.history(run.run_id)] == [event for _, event in old.history(run.run_id)]
    assert len(store.runs()) == len(ended) > 5


def test_short_json_that_is_large_in_memory_is_not_read(bundle: bytes, store: Store) -> None:
    files, nested = unzipped(bundle), b"[" + b"[]," * 100_000 + b"[]]"
    header = json.dumps({"__metadata__": {"digit-lab": nested.decode() * 4}}).encode()
    large = {"events.jsonl": nested, "weights.safetensors": len(header).to_bytes(8, "little") + header}
    for (name, content), reason in zip(large.items(), ("events.jsonl, a line", "the head of a file"), strict=True):
        with pytest.raises(InputError, match=reason):
            import_bundle(store, bundles.zipped({**files, name: content}), OWNER)


def test_what_can_not_be_taken_along_is_said(store: Store, config: RunConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = store.create(config, request="pause")
    with pytest.raises(InputError, match="has not ended yet"):
        bundles.pack(store, run_id)
    store.commit(run_id, [started(), epoch_end(0)])
    store.finish(run_id, [finished(0)], {})
    with pytest.raises(InputError, match="has no weights"):
        bundles.pack(store, run_id)
    monkeypatch.setattr(bundles, "MAX_EVENTS", 2)
    with store.database.write() as db:
        writing.keep(db, store.root, run_id, "best", 0, b"weights")
    with pytest.raises(InputError, match="told 3 events"):
        bundles.pack(store, run_id)
    with store.database.write() as db:
        db.execute("UPDATE events SET payload = '{}' WHERE kind = 'epoch'")
    with pytest.raises(InputError, match="is damaged"):
        bundles.pack(store, run_id)


def test_a_run_that_comes_with_the_program_is_no_bundle(bundle: bytes, store: Store) -> None:
    with pytest.raises(InputError, match="comes with Digit Lab"):
        import_bundle(store, with_run(bundle, run_id="000000" + "a" * 26), OWNER)


def test_damaged_and_lying_bundles_are_refused_or_can_be_used(tmp_path: Path) -> None:
    tally = Tally(200, seed=5)
    import_hostile(tally, tmp_path)
    assert (tally.faults, tally.tried) == ([], 200)


def test_a_fault_in_the_checks_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.runs.bundle_events._event", lambda values, number: values)
    tally = Tally(60, seed=5)
    import_hostile(tally, tmp_path)
    assert tally.faults


def test_the_command_line_exports_and_imports(
    bundle: bytes, first_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = Store(first_root).runs()[0].run_id
    file = tmp_path / "out" / f"run-{run_id}.zip"
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("DIGIT_LAB_RUNS", str(first_root))
        assert main(["export", run_id, "--to", "bundle", "--out", str(file.parent)]) == 0
    assert file.read_bytes() == bundle
    capsys.readouterr()
    for is_new in (True, False):
        assert main(["import", str(file), "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"run_id": run_id, "name": "Zürich 🎈", "is_new": is_new}
    assert Store(runs_root()).run(run_id).owner == "command line"
    file.write_bytes(b"PK")
    assert main(["import", str(file)]) == 2
    assert main(["import", str(tmp_path / "none.zip")]) == 2
    assert "can not be read" in capsys.readouterr().err
