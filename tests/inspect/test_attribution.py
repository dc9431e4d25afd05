"""Each method computes what its source says, of the network it is asked about, on every architecture it is offered for."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import InputError
from core.inspect.attribution import TITLES, Method, attribute, why_not
from tests.inspect.networks import MEAN, NAMES, STD, digit, every_architecture, network, nothing_changed, taken

WITH_MAPS = ["cnn", "lenet", "tinyvgg", "compact", "resnet", "keras-cnn"]


@every_architecture
def test_integrated_gradients_add_up_to_the_difference_of_the_scores(name: str) -> None:
    module = network(name)
    with nothing_changed(module):
        result = attribute(module, digit(), MEAN, STD, "integrated-gradients", 3)
    with torch.no_grad():
        scores = module(torch.cat([taken(digit()), taken(np.zeros((28, 28), np.uint8))]))[:, 3]
    assert result.score_difference == pytest.approx((scores[0] - scores[1]).item(), abs=1e-5)
    total, all_values = float(result.values.sum()), float(np.abs(result.values).sum())
    assert result.completeness_error == pytest.approx(abs(total - result.score_difference), abs=1e-4 * all_values)
    assert result.completeness_error < 0.03 * all_values
    assert not result.values[digit() == 0].any(), "what is empty already adds nothing"


@every_architecture
def test_saliency_is_the_gradient_per_share_of_ink(name: str) -> None:
    module = network(name)
    with nothing_changed(module):
        result = attribute(module, digit(), MEAN, STD, "saliency", 7)
    image = taken(digit()).requires_grad_()
    (gradient,) = torch.autograd.grad(module(image)[0, 7], image)
    np.testing.assert_allclose(result.values, gradient[0, 0].abs().numpy() / STD, rtol=1e-3, atol=1e-6)


@every_architecture
def test_occlusion_is_the_fall_of_the_score_behind_a_hole(name: str) -> None:
    module, image = network(name), digit()
    with nothing_changed(module):
        result = attribute(module, image, MEAN, STD, "occlusion", 2)
    hole = image.copy()
    hole[:5, :5] = 0
    with torch.no_grad():
        scores = module(torch.cat([taken(image), taken(hole)]))[:, 2]
    assert result.values[0, 0] == pytest.approx((scores[0] - scores[1]).item(), abs=1e-5), "only one window reaches it"


class ChannelsFirst(nn.Module):
    """The network in Keras with the order of torch where its last maps are."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        layers = list(module.layers)
        flatten = next(i for i, layer in enumerate(layers) if type(layer.keras_layer).__name__ == "Flatten")
        self.before, self.maps, self.after = (
            nn.Sequential(*layers[:flatten]),
            nn.Identity(),
            nn.Sequential(*layers[flatten:]),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.maps(self.before(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2))
        return self.after(x.permute(0, 2, 3, 1))


@pytest.mark.parametrize("name", WITH_MAPS)
def test_grad_cam_is_captums_own(name: str) -> None:
    from captum.attr import LayerGradCam

    module = network(name)
    with nothing_changed(module):
        results = [attribute(module, digit(), MEAN, STD, "grad-cam", number).values for number in range(10)]
    last = {"cnn": "blocks", "resnet": "third", "keras-cnn": "maps"}.get(name, "second")
    turned = ChannelsFirst(module) if name == "keras-cnn" else module
    method = LayerGradCam(turned, turned.get_submodule(last))
    small = torch.cat([method.attribute(taken(digit()), target=number, relu_attributions=True) for number in range(10)])
    expected = nn.functional.interpolate(small, (28, 28), mode="bilinear", align_corners=False)
    np.testing.assert_allclose(results, expected[:, 0].detach().numpy(), rtol=1e-4, atol=1e-7)
    assert np.max(results) > 0


@every_architecture
def test_what_can_not_be_offered_says_why(name: str) -> None:
    reasons = {method: why_not(network(name), method) for method in TITLES}
    assert bool(reasons.pop("grad-cam")) == (name not in WITH_MAPS)
    assert not any(reasons.values())
    if name not in WITH_MAPS:
        with pytest.raises(InputError, match="feature maps"):
            attribute(network(name), digit(), MEAN, STD, "grad-cam")


@pytest.mark.parametrize("method", TITLES)
def test_weights_drawn_anew_give_another_map_and_the_same_for_a_seed(method: Method) -> None:
    module = network("lenet")
    with nothing_changed(module):
        real = attribute(module, digit(), MEAN, STD, method)
        drawn = [attribute(module, digit(), MEAN, STD, method, randomised=True, seed=seed) for seed in (1, 1, 2)]
    assert len({result.digit for result in (real, *drawn)}) == 1, "it explains the score of the same digit"
    np.testing.assert_array_equal(drawn[0].values, drawn[1].values)
    assert not np.allclose(drawn[0].values, drawn[2].values, rtol=0.1)
    assert not np.allclose(drawn[0].values, real.values, rtol=0.1)


def test_the_digit_is_the_answer_where_none_is_named() -> None:
    with torch.no_grad():
        answers = {name: int(network(name)(taken(digit()))[0].argmax()) for name in NAMES}
    assert all(
        attribute(network(name), digit(), MEAN, STD, "saliency").digit == answer for name, answer in answers.items()
    )


def test_a_broken_captum_takes_away_only_what_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "captum"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "captum", None)
    assert "can not be loaded here" in why_not(network("cnn"), "occlusion")
    with pytest.raises(InputError, match="Saliency needs Captum"):
        attribute(network("cnn"), digit(), MEAN, STD, "saliency")
    assert attribute(network("cnn"), digit(), MEAN, STD, "grad-cam").values.shape == (28, 28)
