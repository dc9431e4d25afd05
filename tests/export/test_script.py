"""The script and the notebook that repeat a run: in an interpreter without Digit Lab, every loss is the stored one."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest

from bench.reliability.mutants import csv_bytes
from core import data, models
from core.config import TrainingConfig, run_config
from core.data.config import DataConfig
from core.data.dataset import Dataset
from core.data.paths import data_root
from core.errors import InputError
from core.export.repeat.network import WRITERS
from core.export.script import REFUSALS, WRITTEN, written
from core.export.source import Exported, Source
from core.export.targets import export
from core.fields import settings
from core.models import TABLE
from core.runs import worker
from core.runs.store import Store

# Runs the files it is told, each in its own folder, as a person would, and says what came out. A notebook's cells are run one
# after the other.
RUNNER = """
import contextlib, json, os, runpy, sys

outcomes = {}
for file, *arguments in json.loads(sys.stdin.read()):
    os.chdir(os.path.dirname(file))
    sys.argv = [file, *arguments]
    with contextlib.redirect_stdout(sys.stderr):
        if file.endswith(".ipynb"):
            values = {"__name__": "__main__"}
            for cell in json.load(open(file, encoding="utf-8"))["cells"]:
                if cell["cell_type"] == "code":
                    exec("".join(cell["source"]), values)
        else:
            values = runpy.run_path(file, run_name="__main__")
    outcomes[file] = {
        "differences": values["differences"], "epochs": sorted(values["STORED"]), "last": values["epoch"],
        "test": [values.get("test_loss"), values.get("test_acc")],
    }
assert not [name for name in sys.modules if name.split(".")[0] in ("core", "streamlit", "pydantic")]
print(json.dumps(outcomes))
"""

# Each setting of the training and of the data at least once, and each optimizer.
SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("mlp", {"optimizer": "sgd", "lr": 0.05, "schedule": "step", "weight_decay": 0.001, "l1": 0.0001,
                    "label_smoothing": 0.1, "clip_norm": 1.0}),
    "momentum": ("mlp", {"optimizer": "momentum", "lr": 0.05, "schedule": "cosine", "pixel_order": "shuffled",
                         "label_noise": 0.3}),
    "nesterov": ("cnn", {"optimizer": "nesterov", "lr": 0.05, "schedule": "one-cycle", "normalisation": "unit",
                         "activation": "silu"}),
    "adam": ("mixer", {"patch": 4, "depth": 2, "dropout": 0.0, "snapshots": "early"}),
    "adamw": ("lenet", {"optimizer": "adamw", "schedule": "warm-up", "weight_decay": 0.1, "tta_views": 5,
                        "pooling": "average", "batch_norm": True}),
    "rmsprop": ("gru", {"optimizer": "rmsprop", "reads": "pixels-7", "bidirectional": True, "init": "orthogonal"}),
    "muon": ("vit", {"optimizer": "muon", "momentum": 0.95, "weight_decay": 0.01, "init": "zeros", "tta_views": 9}),
    "varied": ("compact", {"shift": 2.0, "rotation": 10.0, "zoom": 0.1, "shear": 10.0, "elastic": 1.0, "thickness": 0.5,
                           "habits": 0.5, "drawn_ones": 0.5, "inverted": 0.4, "padding": "valid"}),
    "classes": ("mlp", {"classes": (1, 4, 7), "set_aside": 0.2, "n_train": 0, "label_noise": 0.5}),
    "patience": ("mlp", {"epochs": 8, "patience": 2, "min_delta": 0.5, "monitor": "val_acc", "shuffle": False}),
    "max-steps": ("lstm", {"reads": "pixels-14", "direction": "columns", "layers": 2, "dropout": 0.3, "init": "glorot",
                           "epochs": 3, "max_steps": 3, "batch_size": 119, "monitor": "last"}),
    "nothing-held-out": ("tcn", {"val_fraction": 0.0, "init": "he", "direction": "columns"}),
    "zeros": ("tcn", {"init": "zeros", "dropout": 0.0}),
    "plain": ("resnet", {"shortcuts": False, "blocks": 2, "init": "large", "stem_stride": 1}),
    "keras": ("keras-cnn", {"init": "glorot", "batch_norm": True, "optimizer": "muon", "activation": "elu",
                            "pixel_order": "shuffled"}),
    "bf16": ("mlp", {"precision": "bf16", "activation": "none", "widths": "", "init": "small"}),
}  # fmt: skip


def write(made: Exported, folder: Path) -> Path:
    """All files of an export; the script or the notebook comes first."""
    folder.mkdir(parents=True)
    for file in made.files:
        (folder / file.name).write_bytes(file.content)
    return folder / made.files[0].name


def run_alone(*calls: list[str]) -> dict[str, dict[str, Any]]:
    """What the scripts give in an interpreter of their own, which can not import Digit Lab."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", RUNNER], input=json.dumps(calls), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    outcomes: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return outcomes


def trained(store: Store, architecture: str, changes: dict[str, Any]) -> Source:
    """A small run on 120 images, and the store that keeps it."""
    small = {
        "epochs": 2,
        "n_train": 120,
        "batch_size": 32,
        "dataset": "digits",
        **models.get(architecture).tiny,
        **changes,
    }
    run_id = store.create(run_config(architecture, small), request="pause")
    worker.drive(store, run_id, data.load)
    return Source(store, store.run(run_id))


def unequal(source: Source, outcome: dict[str, Any]) -> list[str]:
    """What does not repeat to the last bit: the epochs that the store has, their losses, and the test images."""
    epochs = [event for _, event in source.store.history(source.run.run_id) if event["event"] == "epoch"]
    per_epoch = 2 if epochs[0]["val_loss"] is not None else 1
    pairs = {
        "epochs": (outcome["epochs"], [event["epoch"] for event in epochs]),
        "last epoch": (outcome["last"], epochs[-1]["epoch"]),
        "losses": (outcome["differences"], [0.0] * len(epochs) * per_epoch),
        "test images": (outcome["test"], [source.run.summary["test_loss"], source.run.summary["test_acc"]]),
    }
    return [f"{what} of {source.run.name}: {came}, not {was}" for what, (came, was) in pairs.items() if came != was]


def test_a_script_and_a_notebook_repeat_the_run(source: Source, tmp_path: Path) -> None:
    script, notebook = export("script", source), export("notebook", source)
    paths = write(script, tmp_path / "script"), write(notebook, tmp_path / "notebook")
    on_gpu = export(
        "script", replace(source, run=replace(source.run, started={**source.run.started, "device": "cuda"}))
    )
    gpu_path = write(on_gpu, tmp_path / "gpu")
    outcomes = run_alone(*([str(path)] for path in (*paths, gpu_path)))
    for path in paths:
        assert not unequal(source, outcomes[str(path)])
    assert outcomes[str(gpu_path)]["last"] == 2, "without a GPU it runs on the CPU"
    nbformat.validate(nbformat.reads(paths[1].read_text("utf-8"), as_version=nbformat.NO_CONVERT))
    text = paths[0].read_text("utf-8")
    assert "How far each step moves the weights." in text, "comments are the help of the settings"
    assert source.run.name not in text, "what a person typed is no code"
    imported = [node for node in ast.walk(ast.parse(text)) if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = {str(getattr(node, "module", "") or node.names[0].name).split(".")[0] for node in imported}
    assert names <= {"torch", "numpy"} | sys.stdlib_module_names
    ruff = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--isolated",
        "--select",
        "E,F,W",
        "--line-length",
        "128",
        str(paths[0]),
    ]
    done = subprocess.run(ruff, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_architecture_can_be_written_out() -> None:
    assert set(WRITERS) == set(TABLE)


def test_a_setting_that_is_not_written_out_is_refused(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = {setting.name for section in (DataConfig, TrainingConfig) for setting in settings(section)}
    assert declared >= WRITTEN | set(REFUSALS), "a setting that there is no more"
    monkeypatch.setattr("core.export.script.WRITTEN", WRITTEN - {"lr"})
    with pytest.raises(InputError, match="Learning rate is not written out yet"):
        export("script", source)


def test_what_a_stranger_put_into_a_run_is_no_code(source: Source) -> None:
    hostile = '"""\nimport os; os.abort()\n"""\\'
    manifest = {**source.run.manifest, "cpu": hostile, "versions": {"torch": hostile, "python": '"); import os; ("'}}
    started = {**source.run.started, "device": hostile}
    run = replace(source.run, manifest=manifest, created_utc=hostile, name=hostile, started=started)
    parts = written(replace(source, run=run), 'DATA = "{}"').parts
    whole = "\n".join(part.code for part in parts)
    assert "abort" in whole, "it stands in a text that is printed"
    compile(whole, "script", "exec")
    assert "import os" not in [line.strip() for line in whole.splitlines()]
    assert not [line for line in whole.splitlines() if "abort" in line and not line.startswith("print(")]


def test_what_can_not_be_repeated_is_refused(source: Source) -> None:
    def config_with(section: str, **values: Any) -> Source:
        config = {**source.run.config, section: {**source.run.config[section], **values}}
        return replace(source, run=replace(source.run, config=config))

    for changed, reason in (
        (config_with("training", start_from="0123456789ab"), "weights of another run"),
        (config_with("data", class_set=0.2), "Draw page"),
        (replace(source, run=replace(source.run, started={})), "never began"),
        (replace(source, run=replace(source.run, summary={**source.run.summary, "status": "failed"})), "it failed"),
    ):
        for form in ("script", "notebook"):
            with pytest.raises(InputError, match=reason):
                export(form, changed)


def test_a_gpu_and_a_changed_machine_are_said(source: Source) -> None:
    gpu = replace(source.run, started={**source.run.started, "device": "cuda"})
    made = export("script", replace(source, run=gpu))
    assert "GPU" in made.warning
    text = made.files[0].content.decode()
    assert 'DEVICE = "cuda" if torch.cuda.is_available() else "cpu"' in text
    assert "network.to(DEVICE)" in text
    moved = replace(source.run, manifest={**source.run.manifest, "changed_on_resume": ["versions"]})
    assert "another machine" in export("script", replace(source, run=moved)).warning


@pytest.mark.slow
def test_every_architecture_optimizer_and_setting_repeats_to_the_last_bit(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs")
    cases = {**{name: (name, dict[str, Any]()) for name in TABLE}, **SETTINGS}
    sources, paths = {}, {}
    for name, (architecture, changes) in cases.items():
        sources[name] = trained(store, architecture, changes)
        paths[name] = write(export("script", sources[name]), tmp_path / name)
    outcomes = run_alone(*([str(path)] for path in paths.values()))
    for name, path in paths.items():
        assert not unequal(sources[name], outcomes[str(path)])


@pytest.mark.slow
def test_a_run_that_was_stopped_is_repeated_up_to_there(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs")
    run_id = store.create(run_config("mlp", {"epochs": 50, "n_train": 900, "dataset": "digits"}), request="pause")

    worker.drive(store, run_id, data.load, should_stop=lambda: store.run(run_id).step > 0)
    source = Source(store, store.run(run_id))
    assert source.run.status == "stopped"
    assert 0 < source.run.summary["epoch"] < 50
    path = write(export("script", source), tmp_path / "script")
    assert not unequal(source, run_alone([str(path)])[str(path)])


@pytest.mark.slow
def test_a_file_of_kaggle_is_read_and_split_alike(digits: Dataset, tmp_path: Path) -> None:
    images, labels = digits.train_images[:600], digits.train_labels[:600]
    folder = tmp_path / "data" / "kaggle"
    folder.mkdir(parents=True)
    (folder / "train.csv").write_bytes(csv_bytes(images, labels))
    source = trained(
        Store(tmp_path / "runs"),
        "softmax",
        {"dataset": "kaggle", "label_noise": 0.2, "classes": (2, 5, 9), "set_aside": 0.1},
    )
    made = export("script", source)
    assert len(made.files) == 1
    path = write(made, tmp_path / "script")
    assert not unequal(source, run_alone([str(path), str(folder / "train.csv")])[str(path)])


@pytest.mark.mnist
def test_the_four_files_of_mnist_are_read_and_split_alike(tmp_path: Path) -> None:
    source = trained(Store(tmp_path / "runs"), "mlp", {"dataset": "mnist", "n_train": 500, "set_aside": 0.2})
    path = write(export("script", source), tmp_path / "script")
    folder = str(data_root() / "mnist")
    assert not unequal(source, run_alone([str(path), folder])[str(path)])
    assert np.isclose(source.run.started["mean"], 0.13, atol=0.01)
