"""Whether other programs open what a run is taken along as, how far their numbers are from the run's, how long it takes.

    python -m bench.exports [--with PYTHON] [--architectures NAMES] [--targets NAMES] [--json]

A run of every architecture with its default settings learns from 300 of the embedded digits for one epoch, and is exported in
every form. Each file is then opened by somebody else's program in an interpreter that does not see Digit Lab (-I, in an empty
folder). --with: that interpreter, best one of an environment of its own with

    pip install onnxruntime pandas pyarrow tensorboard huggingface_hub pillow
    pip install torch numpy                       # --targets script: needs nothing else
    pip install torch numpy nbclient ipykernel    # --targets notebook: executed from top to bottom

(tried with onnxruntime 1.32, TensorBoard 2.21, huggingface_hub 2.4, pandas 3.1). Without --with it is the present one, and what
is not installed there is said. ``ModelCard.validate`` of huggingface_hub asks a server, so the card is only parsed, offline.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from bench.reliability.mutants import csv_bytes
from core import data, models
from core.analysis.history import frame
from core.config import run_config
from core.engine.evaluate import Predictor, predict_logits
from core.errors import InputError
from core.export import submission, tensorboard
from core.export.source import Exported, Source
from core.export.targets import TARGETS, export
from core.machine.processor import cpu_model
from core.machine.threads import use_one_thread
from core.runs.imported import import_bundle
from core.runs.store import Store
from core.runs.worker import drive

SMALL = {"dataset": "digits", "n_train": 300, "epochs": 1}
BATCHES = (1, 2, 7, 1_000)
NOT_INSTALLED = 3  # exit code of a program that lacks a package

# What opens the files of a form: reads them and ``expected.json`` or ``expected.npz`` in the present folder, and prints the
# largest difference as JSON, null where nothing is compared.
OPENERS: Mapping[str, tuple[str, str]] = {
    "onnx": ("onnxruntime", """
import glob, json, numpy as np, onnxruntime
session = onnxruntime.InferenceSession(glob.glob("*.onnx")[0], providers=["CPUExecutionProvider"])
kept = np.load("expected.npz")
worst = 0.0
for n in BATCHES:
    (logits,) = session.run(["logits"], {"image": kept["image"][:n]})
    worst = max(worst, float(abs(logits - kept["logits"][:n]).max()))
    same = int((logits.argmax(1) == kept["logits"][:n].argmax(1)).sum())
    lead = np.sort(kept["logits"][:n], 1)
    assert same >= n - int((lead[:, -1] - lead[:, -2] < 2 * worst).sum()), (n, same)
print(json.dumps(worst))
"""),
    "csv": ("pandas and pyarrow", """
import json, pandas
expected, worst = json.load(open("expected.json")), 0.0
for read, ending in ((pandas.read_csv, "csv"), (pandas.read_parquet, "parquet")):
    for split, accuracy in expected.items():
        answers = read(f"answers-{split}.{ending}")
        worst = max(worst, abs(float((answers["truth"] == answers["predicted"]).mean()) - accuracy))
    assert len(read(f"result.{ending}")) == 1 and len(read(f"epochs.{ending}"))
print(json.dumps(worst))
"""),
    "hub": ("huggingface_hub's ModelCard, offline", """
import json
from huggingface_hub import ModelCard
expected = json.load(open("expected.json"))
data = ModelCard(open("README.md", encoding="utf-8").read()).data
for key in ("license", "library_name", "pipeline_tag", "tags", "datasets", "metrics"):
    assert getattr(data, key), key
accuracies = [result.metric_value for result in data.eval_results if result.metric_type == "accuracy"]
print(json.dumps(max(abs(a - b) for a, b in zip(sorted(accuracies), sorted(expected), strict=True))))
"""),
    "tensorboard": ("TensorBoard's event reader", """
import json
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
expected = json.load(open("expected.json"))
log = EventAccumulator(".", size_guidance={"scalars": 0})
log.Reload()
assert set(log.Tags()["scalars"]) == set(expected)
worst = 0.0
for tag, points in expected.items():
    read = [(event.step, event.value) for event in log.Scalars(tag)]
    assert [step for step, _ in read] == [step for step, _ in points], tag
    worst = max([worst, *(abs(a - b) / max(1, abs(b)) for (_, a), (_, b) in zip(read, points))])
print(json.dumps(worst))
"""),
    "script": ("an interpreter with torch and NumPy", """
import glob, json, runpy
values = runpy.run_path(glob.glob("*.py")[0], run_name="__main__")
assert sorted(values["STORED"]) == json.load(open("expected.json")), "not every epoch of the run"
print(json.dumps(max(values["differences"])))
"""),
    "notebook": ("nbclient and ipykernel", """
import glob, json, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(glob.glob("*.ipynb")[0], as_version=4)
NotebookClient(notebook, kernel_name="python3", timeout=600).execute()
printed = "".join(part.get("text", "") for cell in notebook.cells for part in cell.get("outputs", ()))
for epoch in json.load(open("expected.json")):
    assert f"\\n{epoch:5g}   " in printed, f"epoch {epoch} is missing"
print(json.dumps(float(printed.split("Largest difference of a loss from the stored one:")[1].split()[0])))
"""),
    "figure": ("an XML parser and Pillow", """
import glob, json
from xml.etree import ElementTree
from PIL import Image
(svg,), (png,) = glob.glob("*.svg"), glob.glob("*.png")
words = " ".join(" ".join(node.itertext()) for node in ElementTree.parse(svg).iter("{http://www.w3.org/2000/svg}text"))
assert all(word in words for word in json.load(open("expected.json"))), words
with Image.open(png) as picture:
    picture.load()
    assert min(picture.size) > 400
print("null")
"""),
}  # fmt: skip


class Row(NamedTuple):
    """One export and who opened it. difference: the largest, None where nothing is compared · fault: "" where all was well"""

    target: str
    architecture: str
    opener: str
    seconds: float
    n_bytes: int
    difference: float | None
    fault: str


def trained(store: Store, architecture: str) -> Source:
    """The run, whose test.csv for Kaggle is made of the embedded digits."""
    run_id = store.create(run_config(architecture, SMALL), request="pause")
    return Source(store, drive(store, run_id, data.load))


def measured(source: Source, target: str, test_csv: bytes, interpreter: str) -> Row:
    """Export the run, and have the files opened."""
    architecture = source.run.architecture
    if TARGETS[target].needs_test_csv:
        source = Source(source.store, source.run, test_csv)
    began = time.perf_counter()
    try:
        made = export(target, source)
    except InputError as error:
        return Row(target, architecture, "", time.perf_counter() - began, 0, None, str(error))
    seconds, n_bytes = time.perf_counter() - began, sum(len(file.content) for file in made.files)
    opener, difference, fault = opened(source, target, made, interpreter)
    return Row(target, architecture, opener, seconds, n_bytes, difference, fault)


def opened(source: Source, target: str, made: Exported, interpreter: str) -> tuple[str, float | None, str]:
    """Who opened the files, the largest difference, and what went wrong."""
    if target in INSIDE:
        opener, check = INSIDE[target]
        return opener, check(source, made), ""
    opener, script = OPENERS[target]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in made.files:
            (folder / file.name).write_bytes(file.content)
        _write_expected(source, target, folder)
        head = _HEAD.format(batches=BATCHES, package=_PACKAGES[target], code=NOT_INSTALLED)
        answer = subprocess.run(
            [interpreter, "-I", "-c", head + script], cwd=folder, capture_output=True, text=True, check=False
        )
    if answer.returncode == NOT_INSTALLED:
        return opener, None, "not installed"
    if answer.returncode:
        return opener, None, answer.stderr.strip().split("\n")[-1]
    difference: float | None = json.loads(answer.stdout.strip().split("\n")[-1])
    return opener, difference, ""


# Before every script above.
_HEAD = """
import sys
BATCHES = {batches}
try:
    import {package}
except ImportError:
    sys.exit({code})
"""
_PACKAGES = {
    "onnx": "onnxruntime",
    "csv": "pandas",
    "hub": "huggingface_hub",
    "tensorboard": "tensorboard",
    "script": "torch",
    "notebook": "nbclient",
    "figure": "PIL",
}


def _write_expected(source: Source, target: str, folder: Path) -> None:
    """What the run's own files say, for whoever opens the export."""
    run = source.run
    if target == "onnx":
        about, weights = source.store.snapshot(run.run_id)
        images = data.load("digits").train_images[: BATCHES[-1]]
        predictor = Predictor(run.run_config(), weights, about["mean"], about["std"])
        logits = predict_logits(predictor.module, torch.from_numpy(np.array(images)), predictor.mean, predictor.std)
        ink = images[:, None].astype(np.float32) / np.float32(255)
        np.savez(folder / "expected.npz", image=ink, logits=logits.numpy())
        return
    values: Any = [run.name, "Loss (nats per image)"]
    if target in ("script", "notebook"):
        values = sorted(event["epoch"] for _, event in source.store.history(run.run_id) if event["event"] == "epoch")
    elif target == "csv":
        values = {split: run.summary[f"{split}_acc"] for split in ("val", "test")}
    elif target == "hub":
        values = [run.summary[f"{split}_acc"] for split in ("val", "test")]
    elif target == "tensorboard":
        values = {}
        for tag, step, _, value in tensorboard.curves(frame(event for _, event in source.store.history(run.run_id))):
            values.setdefault(tag, []).append((step, value))
    (folder / "expected.json").write_text(json.dumps(values), "utf-8")


def _by_kaggles_rules(source: Source, made: Exported) -> float:
    """``core.export.submission.read`` is these rules; what is read back are the run's own answers."""
    about, weights = source.store.snapshot(source.run.run_id)
    images = data.load("digits").train_images
    predictor = Predictor(source.run.run_config(), weights, about["mean"], about["std"])
    digits = submission.read(made.files[0].content)[: len(images)]
    return float((digits != predictor.answers(images)).mean())


def _by_another_store(source: Source, made: Exported) -> float:
    with tempfile.TemporaryDirectory() as name:
        store = Store(Path(name))
        run_id, _ = import_bundle(store, made.files[0].content, "")
        weights = store.snapshot(run_id)[1]
        worst = max(
            float(np.abs(weights[name] - array).max(initial=0.0))
            for name, array in source.store.snapshot(run_id)[1].items()
        )
        store.close()
    return worst


# Forms whose reader is ours.
INSIDE: Mapping[str, tuple[str, Callable[[Source, Exported], float]]] = {
    "submission": ("Kaggle's rules as code", _by_kaggles_rules), "bundle": ("another store", _by_another_store),
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 1 when a form could not be made or opened."""
    parser = argparse.ArgumentParser(prog="python -m bench.exports", description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--with", dest="interpreter", default=sys.executable, metavar="PYTHON", help="who opens the files"
    )
    parser.add_argument("--architectures", default=",".join(models.TABLE), metavar="NAMES")
    parser.add_argument("--targets", default=",".join({**INSIDE, **OPENERS}), metavar="NAMES")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    use_one_thread()
    about = {"cpu": cpu_model(), "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    print(
        json.dumps({"about": about}) if options.json else "  ".join(f"{name}: {value}" for name, value in about.items())
    )
    digits = data.load("digits").train_images
    test_csv = csv_bytes(np.resize(digits, (submission.N_TEST_IMAGES, *digits.shape[1:])))
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        for architecture in options.architectures.split(","):
            source = trained(store, architecture)
            for target in options.targets.split(","):
                rows.append(measured(source, target, test_csv, options.interpreter))
                if options.json:
                    print(json.dumps(rows[-1]._asdict()), flush=True)
        store.close()
    if not options.json:
        print("\n".join(table(rows)))
    return int(any(row.fault for row in rows))


def table(rows: Sequence[Row]) -> list[str]:
    """A line for each form: who opened it, of how many architectures, the largest difference, seconds and bytes."""
    lines = []
    for target in dict.fromkeys(row.target for row in rows):
        own = [row for row in rows if row.target == target]
        well = [row for row in own if not row.fault]
        differences = [row.difference for row in well if row.difference is not None]
        seconds, sizes = sorted(row.seconds for row in own), sorted(row.n_bytes for row in own)
        lines.append(
            f"{target:<12} {own[0].opener:<38} {len(well):>2} of {len(own)}, largest difference "
            f"{f'{max(differences):.1e}' if differences else 'not compared'}, {seconds[0]:.1f} to {seconds[-1]:.1f} s, "
            f"{sizes[0]:,} to {sizes[-1]:,} bytes"
        )
        lines += [f"  {row.architecture}: {row.fault}" for row in own if row.fault]
    return lines


if __name__ == "__main__":
    sys.exit(main())
