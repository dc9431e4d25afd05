"""A run as an ONNX file: onnxruntime answers as torch does, in any batch, and the file says what it is."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from core import data, models
from core.cli.app import main
from core.config import RunConfig, run_config
from core.engine.evaluate import Predictor
from core.errors import InputError, RunError
from core.export import targets
from core.export.onnx_file import what_differs
from core.export.source import Source
from core.export.targets import TARGETS, export
from core.machine.precision import with_private_init

needs_onnx = pytest.mark.skipif(
    bool(TARGETS["onnx"].why_not_here), reason="onnx, onnxscript and onnxruntime stand in requirements-onnx.txt"
)
BATCHES = (1, 2, 7, 1_000)
MAX_DIFFERENCE = 1e-5  # between logits of small untrained networks, most of which are below 10


def untrained(architecture: str, **values: object) -> Predictor:
    """A network as it might be after training: its weights are as large as fresh ones, its statistics are positive."""
    config = run_config(architecture, dict(models.get(architecture).tiny) | values)
    weights = {
        name: tensor.numpy() for name, tensor in with_private_init(architecture, config.model).state_dict().items()
    }
    return Predictor(config, weights, 0.1307, 0.3081)


def difference_of(content: bytes, predictor: Predictor) -> float:
    """The largest difference between logits of both."""
    from core.export.onnx_graph import session_of

    session, images = session_of(content), data.load("digits").train_images
    ((input_,), (output,)) = session.get_inputs(), session.get_outputs()
    assert (input_.name, input_.type, input_.shape[1:]) == ("image", "tensor(float)", [1, 28, 28])
    assert (output.name, output.shape[1:]) == ("logits", [10])
    assert isinstance(input_.shape[0], str), "the number of images is open"
    worst = 0.0
    for n in BATCHES:
        (logits,) = session.run(None, {"image": (images[-n:, None] / 255).astype(np.float32)})
        expected = predictor.logits(images[-n:])
        *_, second, first = np.sort(expected, 1).T
        sure = first - second > 2 * MAX_DIFFERENCE  # of two that are equal, either may come out first
        assert sure.mean() > 0.9 or n < BATCHES[-1]
        assert np.array_equal(logits.argmax(1)[sure], expected.argmax(1)[sure])
        worst = max(worst, float(np.abs(logits - expected).max()))
    return worst


@needs_onnx
def test_a_run_becomes_one_file_that_says_what_it_is(source: Source) -> None:
    import onnx

    steps: list[tuple[str, float]] = []
    telling = Source(source.store, source.run, on_step=lambda *step: steps.append(step))
    made = export("onnx", telling)
    (file,) = made.files
    run, (about, weights) = source.run, source.store.snapshot(source.run.run_id)
    assert file.name == f"digitlab-mlp-{run.run_id}.onnx"
    predictor = Predictor(run.run_config(), weights, about["mean"], about["std"])
    assert difference_of(file.content, predictor) < MAX_DIFFERENCE
    model = onnx.load_from_string(file.content)
    texts = {entry.key: entry.value for entry in model.metadata_props}
    assert RunConfig(**json.loads(texts["config"])) == run.run_config()
    assert json.loads(texts["data_hashes"]) == run.manifest["dataset_hashes"]
    assert json.loads(texts["normalisation"]) == {"mean": about["mean"], "std": about["std"], "inside": True}
    assert {name: texts[name] for name in ("run_id", "license", "classes")} == {
        "run_id": run.run_id, "license": "mit", "classes": json.dumps(list("0123456789")),
    }  # fmt: skip
    assert all(opset.version >= 18 for opset in model.opset_import)
    assert "1,000 of 1,000 images" in made.sentence
    shares = [share for _, share in steps]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert len({words for words, _ in steps}) > 1, "whoever waits hears how far it is"


@needs_onnx
def test_attention_over_shuffled_pixels_takes_any_batch_and_is_checked() -> None:
    from core.export.onnx_graph import compare, to_onnx

    predictor = untrained("vit", pixel_order="shuffled")
    content, _ = to_onnx(predictor, {})
    assert difference_of(content, predictor) < MAX_DIFFERENCE
    predictor.std /= 2
    with pytest.raises(RunError, match="answers otherwise"):
        compare(content, predictor)


@needs_onnx
@pytest.mark.slow
@pytest.mark.parametrize("architecture", models.TABLE)
def test_every_architecture_answers_alike(architecture: str) -> None:
    from core.export.onnx_graph import to_onnx

    predictor = untrained(architecture)
    assert difference_of(to_onnx(predictor, {})[0], predictor) < MAX_DIFFERENCE


@needs_onnx
def test_it_can_be_stopped(source: Source) -> None:
    with pytest.raises(RunError, match="stopped"):
        export("onnx", Source(source.store, source.run, should_stop=lambda: True))


def test_what_the_file_leaves_out_is_told() -> None:
    assert "5 times" in what_differs(run_config("mlp", {"tta_views": 5}))
    assert not what_differs(run_config("mlp", {}))


def test_without_the_packages_it_says_how_to_get_them(
    source: Source, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("DIGIT_LAB_RUNS", str(source.store.root))
    monkeypatch.setattr(targets, "find_spec", lambda name: None if name == "onnxscript" else find_spec(name))
    with pytest.raises(InputError, match="pip install onnx onnxscript onnxruntime"):
        export("onnx", source)
    assert not TARGETS["csv"].why_not_here
    assert main(["export", source.run.run_id, "--to", "onnx", "--out", str(tmp_path)]) == 2
    assert "pip install" in capsys.readouterr().err
