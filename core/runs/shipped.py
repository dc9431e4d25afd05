"""Reference runs: trained once, shipped with the program, and taken into every store that never had them.

A run is two files. ``<name>.safetensors`` holds its best weights, rounded to 16 bits; its metadata names the architecture.
``<name>.json`` holds everything else: config, manifest, events, the figures that the rounded weights reached, the hash of
the weights' file, and the hash of all that, from which the run's id is made. Some have a third one,
``<name>.snapshots.safetensors``: weights on the way to the best ones. Its hash stands in the JSON, too, but is no part of the
run's id: a run stays the same when they are added.
What else stands there only saves time (``core.runs.answers``, ``first_looks``). In ``patients``: ``core.experiments.patients``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core import models
from core.config import RunConfig
from core.data.dataset import Dataset
from core.data.paths import assets_root, folder_from, write_atomic
from core.engine.events import KINDS, Arrays, Event, Snapshot, Started, to_json
from core.errors import InputError, RunError
from core.fields import SplitName
from core.inspect.layer_pictures import FirstLook
from core.machine.processor import wanted_processes, wanted_threads
from core.runs import answers, artefacts, writing
from core.runs import first_looks as first_look_files
from core.runs.manifest import own_images
from core.runs.quota import limits
from core.runs.rows import Run, Shipped
from core.runs.schema import StorageError
from core.runs.store import Store, runs_root

if TYPE_CHECKING:  # a page that lists runs does not wait for torch
    from core.engine.evaluate import Evaluation

FORMAT = 1
WEIGHTS, SNAPSHOTS, RECORD, PATIENTS = ".safetensors", ".snapshots.safetensors", ".json", "patients"
NOT_IN_ID = ("sha256", "snapshots")  # of the record
_ADOPTED = """
    SELECT run_id, deleted_utc IS NULL AND NOT EXISTS (SELECT 1 FROM snapshots s WHERE s.run_id = r.run_id) AS lacks
    FROM runs r WHERE number < 0"""
SHIPPED_ID_PREFIX = "000000"  # how their ids begin: older than any run, whose id begins with the time of its creation


def shipped_root() -> Path:
    """Where reference runs lie: $DIGIT_LAB_REFERENCE_RUNS (a folder that is not there means none), else
    ``assets/reference_runs``."""
    return folder_from("DIGIT_LAB_REFERENCE_RUNS", assets_root() / "reference_runs")


def open_store() -> Store:
    """The visitor's store with the reference runs in it. Raises RunError when it was written by a newer version, ConfigError
    when the environment allows nonsense."""
    limits(), wanted_threads(), wanted_processes()
    store = Store(runs_root())
    for folder in (shipped_root(), shipped_root() / PATIENTS):
        adopt(store, folder)
    return store


def adopt(store: Store, folder: Path) -> None:
    """Take into a store what it never had; what is wrong with the folder or the disk becomes the store's notice.

    A run that was deleted stays deleted. Costs milliseconds when there is nothing to do.
    """
    faults: list[str] = []
    try:
        lacks_snapshots = {row["run_id"]: bool(row["lacks"]) for row in store.database.read(_ADOPTED)}  # deleted too
        new_runs: list[Shipped] = []
        new_snapshots: dict[str, list[Snapshot]] = {}
        for name in names(folder):
            try:
                record = _record(folder, name)
                if (run_id := _run_id(record)) not in lacks_snapshots:
                    new_runs.append(_shipped(folder, name, record))
                elif lacks_snapshots[run_id] and "snapshots" in record:
                    new_snapshots[run_id] = _snapshots(folder, name, record)
            except InputError as error:
                faults.append(str(error))
        if new_runs or new_snapshots:
            # The newest is listed first: the larger dataset, then who learned how others write (visitors draw), then the best.
            new_runs.sort(
                key=lambda of: (of.figures["n_test"], of.config["data"].get("habits", 0), of.figures["test_acc"]), reverse=True
            )  # fmt: skip
            with store.database.write() as db:  # all of them or none
                for shipped in new_runs:
                    writing.adopt(db, store.root, shipped)
                for run_id, snapshots in new_snapshots.items():
                    writing.append(db, store.root, run_id, snapshots)
    except StorageError as error:
        faults.append(f"The reference runs could not be taken in: {error}")
    store.notice = store.notice or " ".join(faults)


def names(folder: Path) -> list[str]:
    """Of the reference runs in a folder, in alphabetical order; [] when it is not there."""
    return sorted({path.name.partition(".")[0] for path in folder.glob("*") if path.suffix in (WEIGHTS, RECORD)})


def read(folder: Path, name: str) -> Shipped:
    """One reference run. Raises InputError with a sentence: a file is missing, damaged, or of another version."""
    return _shipped(folder, name, _record(folder, name))


def rounded(weights: Arrays) -> Arrays:
    """float32 -> float16, everything else as it is. Raises RunError when a weight is too large for 16 bits."""
    with np.errstate(over="ignore"):
        half = {
            name: array.astype(np.float16) if array.dtype == np.float32 else array for name, array in weights.items()
        }
    for name, array in half.items():
        if not np.isfinite(array).all():
            raise RunError(f"{name} holds a weight that 16 bits can not hold.")
    return half


def restored(weights: Arrays) -> Arrays:
    """float16 -> float32, everything else as it is."""
    return {name: array.astype(np.float32) if array.dtype == np.float16 else array for name, array in weights.items()}


def write(
    folder: Path,
    name: str,
    *,
    created_utc: str,
    config: RunConfig,
    manifest: Mapping[str, Any],
    events: Sequence[Event],
    figures: Mapping[str, Any],
    weights: Arrays,
) -> None:
    """Write the two files of a reference run, ``weights`` as ``rounded`` gives them. Raises DataError."""
    content = artefacts.pack({"format": FORMAT, "architecture": config.architecture}, weights)
    record = {
        "format": FORMAT, "name": name, "created_utc": created_utc, "config": config.model_dump(mode="json"),
        "manifest": dict(manifest), "events": [to_json(event) for event in events], "figures": dict(figures),
        "weights": hashlib.sha256(content).hexdigest(),
    }  # fmt: skip
    write_atomic(folder / f"{name}{WEIGHTS}", content)
    _write_record(folder, name, {"sha256": _digest(record), **record})
    (folder / f"{name}{SNAPSHOTS}").unlink(missing_ok=True)  # those of the run that was here before


def write_snapshots(folder: Path, name: str, snapshots: Sequence[Snapshot]) -> None:
    """Write the third file of a reference run that has its two. Raises RunError when these can not be used, DataError."""
    record = _record(folder, name)
    about = {"format": FORMAT, "snapshots": [{"step": kept.step, "epoch": kept.epoch} for kept in snapshots]}
    content = artefacts.pack(
        about, {f"{kept.step}/{key}": array for kept in snapshots for key, array in kept.weights.items()}
    )
    write_atomic(folder / f"{name}{SNAPSHOTS}", content)
    _write_record(folder, name, record | {"snapshots": hashlib.sha256(content).hexdigest()})


def count_bytes(folder: Path, name: str) -> int:
    """Of all files of a reference run."""
    return sum(path.stat().st_size for path in folder.glob(f"{name}.*"))


def evaluation(
    store: Store,
    run: Run,
    split: SplitName,
    load_dataset: Callable[[str], Dataset],
    on_images: Callable[[int], None] | None = None,
) -> Evaluation | None:
    """What a run answered on "val" or "test"; None when there is nothing.

    Those that take long to give are shipped (``core.runs.answers``). Others a shipped run gives when they are first asked
    for, in the calling thread, which has said how many cores it takes. Both are kept like any others. No random number is
    drawn. on_images: told meanwhile how many images it has read. Raises DataError when its images are not here (any more),
    RunError when a file is damaged.
    """
    stored = store.evaluation(run.run_id, split)
    if stored is not None or not run.shipped:
        return stored
    from core.engine.evaluate import evaluate

    config = run.run_config()
    dataset = own_images(run.manifest, load_dataset(config.data.dataset))
    made = _shipped_answers(run, dataset) if split == "test" else None
    if made is None:
        made = evaluate(config, store.snapshot(run.run_id)[1], dataset, split, on_images=on_images)
    if made is not None:
        with contextlib.suppress(StorageError):  # where nothing can be written, they are made again next time
            store.keep_evaluation(run.run_id, split, made)
    return made


def write_answers(folder: Path, name: str, load_dataset: Callable[[str], Dataset]) -> int:
    """Let a reference run of several views answer its test images and write that beside it; returns the bytes, 0 for a run
    of one view. Raises InputError: a file is missing or damaged, its images are not here, or they are not read as recorded.
    """
    from core.config import parse
    from core.engine.evaluate import evaluate

    record = _record(folder, name)
    config, weights = parse(record["config"]), _shipped(folder, name, record).weights
    if config.training.tta_views < answers.MIN_VIEWS:
        return 0
    dataset = own_images(record["manifest"], load_dataset(config.data.dataset))
    made = evaluate(config, weights, dataset, "test")
    if made is None or made.score.accuracy != record["figures"]["test_acc"]:
        raise RunError(f"The reference run {name} does not read its test images here as it is recorded to.")
    return answers.write(folder, name, record["weights"], dataset, made)


def write_first_looks(folder: Path, name: str) -> int:
    """Let a reference run look at the digits that come with the program and write that beside it; returns the bytes.
    Raises InputError: a file is missing or damaged."""
    from core.config import parse
    from core.data.own_digits import own_digits  # scipy, a third of a second that no list of runs has to wait for
    from core.engine.evaluate import Predictor

    record = _record(folder, name)
    from_file = _shipped(folder, name, record)
    begun = next(event for event in from_file.events if isinstance(event, Started))
    predictor = Predictor(parse(record["config"]), from_file.weights, begun.mean, begun.std)
    images = np.stack([digit.image for digit in own_digits()])
    return first_look_files.write(folder, name, record["weights"], predictor, images)


def _shipped_answers(run: Run, dataset: Dataset) -> Evaluation | None:
    """Those that came with a run that is still as it came."""
    files = _files_of(run)
    return answers.read(shipped_root(), *files, dataset) if files else None


def first_looks(run: Run) -> dict[bytes, FirstLook]:
    """What the layers of a run that is still as it came make of the digits that come with the program; see
    ``core.runs.first_looks``. Needs no torch."""
    files = _files_of(run) if run.shipped else None
    return first_look_files.read(shipped_root(), *files) if files else {}


def _files_of(run: Run) -> tuple[str, str] | None:
    """The name of the files that a run came in, and the SHA-256 of its weights' file; None when they have changed since."""
    folder = shipped_root()
    for name in names(folder):
        with contextlib.suppress(RunError):  # of another run, whose damage the store's notice tells
            record = _record(folder, name)
            if _run_id(record) == run.run_id:
                return name, str(record["weights"])
    return None


def _record(folder: Path, name: str) -> dict[str, Any]:
    """What the JSON file says, after a look at its hash."""
    path = folder / f"{name}{RECORD}"
    try:
        record: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if record["sha256"] != _digest(record):
            raise ValueError
    except FileNotFoundError:
        raise RunError(f"The reference run {name} can not be used: {path.name} is missing.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise RunError(f"The reference run {name} can not be used: {path.name} is damaged.") from None
    return record


def _write_record(folder: Path, name: str, record: Mapping[str, Any]) -> None:
    text = json.dumps(record, allow_nan=False, indent=1) + "\n"
    write_atomic(folder / f"{name}{RECORD}", text.encode())


def _content(folder: Path, name: str, suffix: str, sha: str) -> bytes:
    """Of a file that the record names. Raises RunError: missing or damaged."""
    path = folder / f"{name}{suffix}"
    try:
        content = path.read_bytes()
    except OSError:
        raise RunError(f"The reference run {name} can not be used: {path.name} is missing.") from None
    if hashlib.sha256(content).hexdigest() != sha:
        raise RunError(f"The reference run {name} can not be used: {path.name} is damaged.")
    return content


def _snapshots(folder: Path, name: str, record: Mapping[str, Any]) -> list[Snapshot]:
    """Some of the weights on the way, by rising step; [] for a run that carries none."""
    if "snapshots" not in record:
        return []
    about, arrays = artefacts.unpack(_content(folder, name, SNAPSHOTS, record["snapshots"]))
    return [
        Snapshot(kept["epoch"], kept["step"], writing.under(arrays, f"{kept['step']}/")) for kept in about["snapshots"]
    ]


def _shipped(folder: Path, name: str, record: Mapping[str, Any]) -> Shipped:
    content = _content(folder, name, WEIGHTS, record["weights"])
    try:
        models.title(record["config"]["architecture"])
        events = [_event(values) for values in record["events"]]
    except (InputError, KeyError, TypeError):
        raise RunError(f"The reference run {name} can not be used: it is from another version of Digit Lab.") from None
    return Shipped(
        run_id=_run_id(record), name=record["name"], created_utc=record["created_utc"], config=record["config"],
        manifest=record["manifest"], events=events, figures=record["figures"],
        weights=restored(artefacts.unpack(content)[1]), snapshots=_snapshots(folder, name, record),
    )  # fmt: skip


def _event(values: Mapping[str, Any]) -> Event:
    return KINDS[values["event"]](**{name: value for name, value in values.items() if name != "event"})


def _run_id(record: Mapping[str, Any]) -> str:
    return SHIPPED_ID_PREFIX + str(record["sha256"])[: 32 - len(SHIPPED_ID_PREFIX)]


def _digest(record: Mapping[str, Any]) -> str:
    """Of the values, not of the file: line ends and spaces do not count, nor does ``NOT_IN_ID``."""
    values = {key: value for key, value in record.items() if key not in NOT_IN_ID}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
