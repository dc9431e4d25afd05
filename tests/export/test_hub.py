"""The folder for the Hub: every key that a card should have, the store's figures, and weights that answer as the run does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load

from core import data
from core.engine.evaluate import Predictor
from core.errors import InputError
from core.export import hub
from core.export.source import Source
from core.export.targets import export
from core.runs.store import Store

KEYS = ["license", "library_name", "pipeline_tag", "tags", "datasets", "metrics", "model-index"]


@pytest.fixture(scope="module")
def files(source: Source) -> dict[str, bytes]:
    return {file.name: file.content for file in export("hub", source).files}


def test_the_folder_has_what_the_hub_asks_for(source: Source, files: dict[str, bytes]) -> None:
    assert set(files) == {"README.md", "config.json", "model.safetensors"}
    _, head, body = files["README.md"].decode().split("---\n", 2)
    assert [line.partition(":")[0] for line in head.splitlines() if not line.startswith(" ")] == KEYS
    summary, run = source.run.summary, source.run
    for split in ("test", "val"):
        assert f"value: {summary[f'{split}_acc']!r}\n" in head
        assert f"{summary[f'n_{split}']:,} | {summary[f'{split}_acc']:.2%} | {summary[f'{split}_loss']:.4f} |" in body
    assert run.name not in body, "a stranger's words would be markup there"
    assert "[More Information Needed]" not in body
    values = json.loads(files["config.json"])
    assert {name: values[name] for name in run.config} == run.config
    weights = load(files["model.safetensors"])
    assert files["model.safetensors"][8:].startswith(b'{"__metadata__":{"format":"pt"}')
    for name, array in source.store.snapshot(run.run_id)[1].items():
        assert np.array_equal(weights[name], array)


def test_the_code_of_the_card_answers_as_the_run_does(
    source: Source, files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (code,) = re.findall(r"```python\n(.*?)```", files["README.md"].decode(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    images = data.load("digits").test_images[:50]
    about, weights = source.store.snapshot(source.run.run_id)
    expected = Predictor(source.run.run_config(), weights, about["mean"], about["std"]).logits(images)
    assert np.array_equal(names["predictor"].logits(images), expected)


def test_the_metadata_is_yaml(source: Source, files: dict[str, bytes]) -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML stands in requirements-dev.txt")
    values = yaml.safe_load(files["README.md"].decode().split("---\n", 2)[1])
    assert list(values) == KEYS
    (model,) = values["model-index"]
    assert model["name"] == source.run.name
    test, val = model["results"]
    assert (test["dataset"]["split"], val["dataset"]["split"]) == ("test", "validation")
    assert test["task"]["type"] == values["pipeline_tag"] == "image-classification"
    assert test["metrics"][0]["value"] == source.run.summary["test_acc"]
    assert "on 382 test images, 1 seed" in test["metrics"][0]["name"]
    odd = {"a": [1e-07, 1e20, True, None, "no", "1e3", "- x", "é\t:", "'"], "b": {"c": [{"d": [{"e": 0}]}]}}
    assert yaml.safe_load(hub.yaml(odd)) == odd


def test_a_run_without_weights_has_no_card(store_with_waiting_run: Source) -> None:
    for name in ("hub", "tensorboard", "bundle"):
        with pytest.raises(InputError, match="has not ended yet"):
            export(name, store_with_waiting_run)


@pytest.fixture
def store_with_waiting_run(source: Source, tmp_path: Path) -> Source:
    store = Store(tmp_path / "waiting")
    run_id = store.create(source.run.run_config(), request="pause")
    return Source(store, store.run(run_id))
