"""Patients: networks with one mistake in their training, which come with the program and wait until somebody asks for them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import data
from core.config import parse
from core.engine.evaluate import Predictor, evaluate
from core.engine.events import EpochEnd, Started
from core.experiments import lessons
from core.experiments.patients import PATIENTS
from core.inspect.distortions import distort
from core.runs import shipped
from core.runs.store import Store

ASSETS = Path(__file__).parents[2] / "assets" / "reference_runs"
FOLDER = ASSETS / shipped.PATIENTS
LIMIT = 2_000_000  # bytes, of all patients together
RECORDS = {patient.letter: shipped.read(FOLDER, patient.name) for patient in PATIENTS}


def table() -> dict[str, list[int]]:
    """What the lesson shows of each patient before the guess, in percent: of its training images, test images, moved ones."""
    text = lessons.get("what-is-wrong").sections["Before you guess"]
    lines = re.findall(r"^\| Patient ([A-E]) \| (\d+) % \| (\d+) % \| (\d+) % \|$", text, re.MULTILINE)
    return {letter: [int(figure) for figure in figures] for letter, *figures in lines}


def last_epoch(letter: str) -> Mapping[str, Any]:
    ends = [event for event in RECORDS[letter].events if isinstance(event, EpochEnd)]
    return {"train_acc": ends[-1].train_acc, "val_acc": ends[-1].val_acc, "first_val_acc": ends[1].val_acc}


def test_they_are_small_and_their_settings_are_those_declared() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= LIMIT
    assert shipped.names(FOLDER) == [patient.name for patient in PATIENTS]
    for patient in PATIENTS:
        record = RECORDS[patient.letter]
        assert parse(record.config) == patient.config(), "its settings have changed: train it again"
        assert (record.manifest["patient"], record.manifest["diagnosis"]) == (patient.letter, patient.diagnosis)


def test_each_shows_the_signs_of_its_own_mistake() -> None:
    assert last_epoch("A")["train_acc"] < 0.9, "dead units: it does not even learn its own images"
    assert last_epoch("B")["train_acc"] == 1
    assert last_epoch("B")["val_acc"] < 0.9
    assert last_epoch("C")["train_acc"] > 0.95
    assert last_epoch("C")["first_val_acc"] < 0.1, "wrong from the first epoch on, and more often than by guessing"
    assert last_epoch("D")["train_acc"] < 0.6 < 0.9 < last_epoch("D")["val_acc"], "new images are read better"
    assert RECORDS["E"].figures["test_acc"] == max(record.figures["test_acc"] for record in RECORDS.values())


def test_the_lesson_shows_their_figures_and_tells_the_diagnoses_only_after_the_reveal() -> None:
    assert table().keys() == RECORDS.keys()
    for letter, record in RECORDS.items():
        assert table()[letter][:2] == [
            round(100 * float(last_epoch(letter)["train_acc"])), round(100 * record.figures["test_acc"]),
        ]  # fmt: skip
    sections = lessons.get("what-is-wrong").sections
    for patient in PATIENTS:
        assert f"**Patient {patient.letter}:** {patient.diagnosis}" in sections["Why"]
        assert patient.diagnosis not in sections["Before you guess"]
    assert lessons.get("what-is-wrong").labels == tuple(f"Patient {letter}" for letter in RECORDS)


def test_a_store_takes_them_in_below_all_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(ASSETS))
    monkeypatch.setenv("DIGIT_LAB_RUNS", str(tmp_path / "store"))
    runs = shipped.open_store().runs()
    assert [run.patient for run in runs if run.patient] == [run.patient for run in runs[-len(PATIENTS) :]]
    assert {run.label for run in runs if run.patient} == {f"Patient {letter} (shipped)" for letter in RECORDS}
    assert len({run.label for run in runs}) == len(runs)


def test_a_run_of_ones_own_is_none_whatever_its_manifest_says(store: Store, tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "elsewhere")
    shipped.adopt(store, tmp_path / "elsewhere")
    patient = store.runs()[0]
    assert patient.patient
    own = replace(patient, number=1, name="mine")
    assert (own.shipped, own.patient, own.label) == (False, "", "mine")


@pytest.mark.mnist
def test_the_recorded_figures_are_those_of_the_shipped_weights_and_what_is_wrong_can_be_seen() -> None:
    mnist = data.load("mnist")
    images, labels = mnist.test_images, mnist.test_labels

    def right(letter: str, name: str, strength: float) -> float:
        record = RECORDS[letter]
        begun = next(event for event in record.events if isinstance(event, Started))
        network = Predictor(parse(record.config), record.weights, begun.mean, begun.std)
        return float((network.logits(distort(name, images, strength)).argmax(axis=1) == labels).mean())

    for record in RECORDS.values():
        for split in ("val", "test"):
            evaluation = evaluate(parse(record.config), record.weights, mnist, split)  # type: ignore[arg-type]
            assert evaluation is not None
            assert evaluation.score.accuracy == record.figures[f"{split}_acc"]
            assert evaluation.score.n == record.figures[f"n_{split}"] == 10_000
    assert right("C", "contrast", -1.0) > 0.95, "it reads negatives"
    moved = {letter: right(letter, "shift", 3.0) for letter in RECORDS}
    assert [figures[2] for figures in table().values()] == [round(100 * share) for share in moved.values()]
    assert moved["E"] < moved["A"] < moved["D"], "the one that reads most breaks sooner"
    network = RECORDS["A"]
    begun = next(event for event in network.events if isinstance(event, Started))
    pixels = (images.reshape(len(images), -1) / np.float32(255) - begun.mean) / begun.std
    hidden = np.maximum(pixels @ network.weights["hidden.0.weight"].T + network.weights["hidden.0.bias"], 0)
    assert (hidden.max(axis=0) == 0).mean() > 0.5, "most units of its first layer answer 0 to every image"
