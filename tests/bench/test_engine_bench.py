"""The bench of the engine: its networks in Keras are the product's, and who is held to AVX2 is told so."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from bench import engine, peers


def test_every_network_in_keras_has_the_weights_of_the_products() -> None:
    pytest.importorskip("core.models.keras.adapter")  # has Keras compute with torch
    from bench.keras_networks import image_shape, network

    for model in peers.MODELS:
        images = np.zeros((2, *image_shape(model)), np.float32)
        assert network(model)(images).shape == (2, 10), model  # raises where the number of weights is another


def test_a_network_in_keras_with_other_weights_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("core.models.keras.adapter")
    from bench import keras_networks

    monkeypatch.setitem(keras_networks._NETWORKS, "cnn", keras_networks._mlp)
    with pytest.raises(ValueError, match="cnn has 109,386 weights in Keras, expected 429,258"):
        keras_networks.network("cnn")


def test_held_to_avx2_are_all_peers_but_those_that_can_not_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[str, dict[str, str]]] = []

    def measure(peer: str, case: str, images: int, threads: int, environment: Mapping[str, str]) -> dict[str, float]:
        asked.append((peer, dict(environment)))
        return {"train": 2.0, "test": 1.0, "accuracy": 0.5}

    monkeypatch.setattr(engine, "measure", measure)
    command = ["vit:64", "--rounds", "1", "--peers", "dataloader,keras-jax,digit-lab,digit-lab-bf16"]
    assert engine.main([*command, "--avx2"]) == 0
    assert asked == [("dataloader", dict(engine.AVX2)), ("digit-lab", dict(engine.AVX2))]
    printed = capsys.readouterr()
    assert "held to AVX2" in printed.out.splitlines()[0]
    assert "JAX" not in printed.out + printed.err

    asked.clear()
    assert engine.main(command) == 0
    assert [peer for peer, _ in asked] == command[-1].split(",")
    assert not any(environment for _, environment in asked)
    assert "AVX2" not in capsys.readouterr().out
