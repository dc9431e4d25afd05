"""Which pixels speak for an answer: four methods, and the control that tells whether a method has looked at the network.

Captum (Kokhlikyan et al. 2020, arXiv 2009.07896) computes the first three; it is loaded when it is asked for, and where it can
not be loaded, only those are missing. Nothing here draws from torch's global random numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from core.data.dataset import SIDE, Images
from core.errors import InputError
from core.inspect.activations import as_floats, one_image
from core.inspect.copies import private_copy, redrawn
from core.models.pixel_order import put_back, reads_shuffled

Method = Literal["saliency", "integrated-gradients", "occlusion", "grad-cam"]
TITLES: Mapping[Method, str] = {
    "saliency": "Saliency",
    "integrated-gradients": "Integrated gradients",
    "occlusion": "Occlusion",
    "grad-cam": "Grad-CAM",
}
ABOUT: Mapping[Method, str] = {
    "saliency": "How strongly the score of the digit reacts to each pixel, more or less ink alike (Simonyan et al. 2014). "
    "It shows what a tiny change would do, not what made the score.",
    "integrated-gradients": "What each pixel adds to the score on the way from empty paper to this image (Sundararajan et al. "
    "2017). All of them add up to the difference of the two scores, up to the completeness error. It shows the way from "
    "empty paper and from no other picture.",
    "occlusion": "How much the score falls when a window of 5 by 5 pixels becomes empty paper (Zeiler and Fergus 2014). A hole "
    "can itself look like a part of another digit.",
    "grad-cam": "In which regions the last feature maps speak for the digit (Selvaraju et al. 2017). It is as coarse as "
    "these maps, and leaves out what speaks against the digit.",
}

INTEGRATION_STEPS = 50
WINDOW_PIXELS, STRIDE_PIXELS = 5, 2  # of occlusion
WINDOWS_AT_ONCE = 64  # bounds the memory of occlusion


@dataclass(frozen=True, eq=False, slots=True)
class Attribution:
    """values (28, 28): how much each pixel speaks for the digit (positive) or against it (negative), in units of the score,
    which is the logit; saliency and Grad-CAM have no negative values · digit: 0..9

    completeness_error: of integrated gradients, by how much the sum of all values misses the difference between the score of
    the image and that of empty paper; None for other methods · score_difference: that difference
    """

    method: Method
    digit: int
    values: NDArray[np.float32]
    completeness_error: float | None = None
    score_difference: float | None = None


def why_not(module: nn.Module, method: Method) -> str:
    """Why a method can not be offered for a network, in a sentence; "" where it can."""
    if method == "grad-cam":
        if _maps(private_copy(module), torch.zeros(1, 1, SIDE, SIDE)) is None:
            return "Grad-CAM needs feature maps that keep the places of the image, and this network has none."
        return ""
    try:
        _captum()
    except Exception as error:  # noqa: BLE001 - a damaged installation fails in any way
        return f"{TITLES[method]} needs Captum, which can not be loaded here ({type(error).__name__})."
    return ""


def attribute(
    module: nn.Module,
    image: Images,
    mean: float,
    std: float,
    method: Method,
    digit: int | None = None,
    *,
    randomised: bool = False,
    seed: int = 0,
) -> Attribution:
    """Which pixels speak for a digit.

    module: in eval mode on the CPU; it stays as it was · image (28, 28) uint8 · mean, std: of the images it was trained on
    digit: 0..9; None: what the network reads · randomised: the same of the network with its weights drawn anew by the seed;
    a method whose map hardly changes has not looked at what was learned. Raises InputError where ``why_not`` has a reason
    """
    reason = why_not(module, method)
    if reason:
        raise InputError(reason)
    network, pixel_values = private_copy(module), one_image(image, mean, std)
    if digit is None:
        with torch.no_grad():
            digit = int(network(pixel_values)[0].argmax())
    if randomised:
        network = redrawn(module, seed)
    paper = -mean / std  # a pixel without ink, as the network takes it
    match method:
        case "saliency":
            slopes = _captum().Saliency(network).attribute(_tracked(pixel_values), target=digit, abs=True)
            return Attribution(method, digit, as_floats(slopes[0, 0] / std))
        case "integrated-gradients":
            return _integrated_gradients(network, pixel_values, paper, digit)
        case "occlusion":
            with torch.no_grad():
                falls = _captum().Occlusion(network).attribute(
                    pixel_values, (1, WINDOW_PIXELS, WINDOW_PIXELS), strides=(1, STRIDE_PIXELS, STRIDE_PIXELS),
                    baselines=paper, target=digit, perturbations_per_eval=WINDOWS_AT_ONCE,
                )  # fmt: skip
            return Attribution(method, digit, as_floats(falls[0, 0]))
        case "grad-cam":
            return Attribution(method, digit, _grad_cam(network, pixel_values, digit))


def _captum() -> Any:
    from captum import attr  # takes half a second

    return attr


def _tracked(pixel_values: Tensor) -> Tensor:
    """A copy whose gradient can be asked for."""
    return pixel_values.detach().clone().requires_grad_()


def _integrated_gradients(network: nn.Module, pixel_values: Tensor, paper: float, digit: int) -> Attribution:
    method = _captum().IntegratedGradients(network)
    shares = method.attribute(_tracked(pixel_values), paper, target=digit, n_steps=INTEGRATION_STEPS).detach()
    with torch.no_grad():
        scores = network(torch.cat([pixel_values, torch.full_like(pixel_values, paper)]))[:, digit]
    difference = float(scores[0] - scores[1])
    return Attribution(
        "integrated-gradients", digit, as_floats(shares[0, 0]), abs(float(shares.sum()) - difference), difference
    )


def _grad_cam(network: nn.Module, pixel_values: Tensor, digit: int) -> NDArray[np.float32]:
    """Equations 1 and 2 of the source, enlarged to the image."""
    with torch.enable_grad():
        last = _maps(network, _tracked(pixel_values))
        assert last is not None
        maps, logits, channels_last = last
        (slopes,) = torch.autograd.grad(logits[0, digit], maps)
    if channels_last:
        maps, slopes = maps.permute(0, 3, 1, 2), slopes.permute(0, 3, 1, 2)
    weights = slopes.mean((2, 3), keepdim=True)  # (1, C, 1, 1)
    small = (weights * maps).sum(1, keepdim=True).relu()  # (1, 1, H, W)
    large = as_floats(F.interpolate(small, (SIDE, SIDE), mode="bilinear", align_corners=False)[0, 0])
    if reads_shuffled(network):  # each place of its maps is that of the pixel which was put there
        large = put_back(large)
    return large


def _maps(network: nn.Module, pixel_values: Tensor) -> tuple[Tensor, Tensor, bool] | None:
    """The last feature maps with more than one place, the logits made of them, and whether their channels stand last; None
    for a network without maps. Hooks are taken off again."""
    seen: list[tuple[Tensor, bool]] = []

    def note(part: nn.Module, _taken: Any, output: Any) -> None:
        channels_last = hasattr(part, "keras_layer")
        places = slice(1, 3) if channels_last else slice(2, 4)
        if isinstance(output, Tensor) and output.ndim == 4 and min(output.shape[places]) > 1:
            seen.append((output, channels_last))

    hooks = [part.register_forward_hook(note) for part in network.modules()]
    logits = network(pixel_values)
    for hook in hooks:
        hook.remove()
    return (seen[-1][0], logits, seen[-1][1]) if seen else None
