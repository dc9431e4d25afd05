"""How the script varies training images, as the run did: the same random numbers, the same formulas."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import ModuleType

from core.config import RunConfig
from core.data import augment as augment_module
from core.data import drawn_ones, habits
from core.data.augment import ELASTIC_GRID, varies
from core.data.config import DataConfig
from core.data.dataset import SIDE
from core.data.drawn import INK_SIDE_PIXELS
from core.export.repeat.text import Part, functions, source

MOVES = ("shift", "rotation", "zoom", "shear")  # each has its term in the formula, also where it is 0
VARIATIONS = (*MOVES, "elastic", "thickness", "habits", "drawn_ones", "inverted")
INVERSE: Mapping[str, str] = {
    "draws: Tensor, config: DataConfig, width: int, height: int": "draws",
    "config.shift": "SHIFT", "config.rotation": "ROTATION", "config.zoom": "ZOOM", "config.shear": "SHEAR",
    "    aspect = height / width  # the grid's unit is half a picture, along each axis\n": "", " * aspect": "", " / aspect": "",
    "2 / width": "2 / 28", "2 / height": "2 / 28", "def _inverse": "def inverse",
}  # fmt: skip
SMOOTH = f"""\
# From values at {ELASTIC_GRID} x {ELASTIC_GRID} points to values at every pixel: ({ELASTIC_GRID**2}, 784).
points = torch.eye({ELASTIC_GRID**2}).view(-1, 1, {ELASTIC_GRID}, {ELASTIC_GRID})
SMOOTH = F.interpolate(points, (28, 28), mode="bicubic", align_corners=True).flatten(1)
"""
HEAD = '''\
def augment(images, labels, generator):
    """Each image changed by its own random amounts: (N, 1, 28, 28) in [0, 1] -> the same."""
    n = len(images)
    draws = torch.rand(n, {n_draws}, generator=generator).mul_(2).sub_(1)  # as many whatever is switched on
'''
AHEAD = """\
    ahead = torch.Generator()
    ahead.set_state(generator.get_state())  # a copy: what the next batch draws stays as it is
"""
CENTRES = """\
# Of every pixel x and y of its middle, from -1 to 1 across the picture, and 1: (3, 784).
centres = F.affine_grid(torch.eye(2, 3).unsqueeze(0), [1, 1, 28, 28], align_corners=False)
CENTRES = torch.cat([centres.view(-1, 2).T, torch.ones(1, 784)])
"""
PLACES = """\
    places = inverse(draws).reshape(2 * n, 3) @ CENTRES  # where each pixel comes from: (2 N, 784)
"""
ELASTIC = """\
    places = places + draws[:, 7:].reshape(2 * n, -1) @ SMOOTH * (ELASTIC * 2 / 28)
"""
SAMPLE = """\
    grid = places.view(n, 2, 28, 28).permute(0, 2, 3, 1).to(images)
    images = F.grid_sample(images, grid, padding_mode="zeros", align_corners=False)
"""
VARIED = '''\
def varied(images, labels, generator):
    """uint8 (N, 28, 28) -> float (N, 1, 28, 28): varied, then scaled as in ``normalised``."""
    pixels = augment(images.float().mul_(1 / 255).unsqueeze(1), labels, generator)
    return pixels{scaled}{layout}
'''


def variations(data: DataConfig) -> list[str]:
    """The settings that the script needs as numbers."""
    moves = any(getattr(data, name) for name in (*MOVES, "elastic"))
    return [name for name in VARIATIONS if getattr(data, name) or (moves and name in MOVES)]


def augmentation_parts(config: RunConfig, layout: str) -> list[Part]:
    """None where the run shows every image as it is. layout: what puts channels last, or \"\""""
    data = config.data
    if not varies(data):
        return []
    moves = any(getattr(data, name) for name in (*MOVES, "elastic"))
    code = []
    body = HEAD.format(n_draws=7 + 2 * ELASTIC_GRID**2)
    if data.habits or data.drawn_ones:
        body += AHEAD
    if data.drawn_ones:
        code.append(_module(drawn_ones) + "\n\n")
        body += "    images = with_drawn_ones(images, labels, DRAWN_ONES, ahead)\n"
    if data.habits:
        code.append(_module(habits) + "\n\n")
        body += "    images = with_habits(images, labels, HABITS, ahead)\n"
    if moves:
        code += [source(augment_module._inverse, INVERSE) + "\n\n", CENTRES + "\n"]
        body += PLACES
        if data.elastic:
            code.append(SMOOTH + "\n")
            body += ELASTIC
        body += SAMPLE
    if data.thickness:
        code.append(source(augment_module._thickness, {"def _thickness": "def thicker"}) + "\n\n")
        body += "    images = thicker(images, draws[:, 6].to(images) * THICKNESS)\n"
    if data.inverted:
        code.append(source(augment_module._as_negatives, {"def _as_negatives": "def with_negatives"}) + "\n\n")
        body += "    images = with_negatives(images, INVERTED, draws)\n"
    body += "    return images\n"
    scaled = ".sub_(MEAN).mul_(1 / STD)" if data.normalisation == "standard" else ""
    code += [body, "\n" + VARIED.format(scaled=scaled, layout=layout)]
    words = "A training image is never shown twice in the same way: that makes up for digits that nobody wrote."
    return [Part("Varied copies", words, "\n".join(code))]


def _module(module: ModuleType) -> str:
    """The constants and functions of a file, with the few numbers that it takes from elsewhere."""
    text = functions(module)
    if module is not drawn_ones:
        return text
    # Both files have flags, of other sizes.
    text = re.sub(r"\bFLAG_", "DRAWN_FLAG_", text)
    return (
        f"SIDE, INK_SIDE_PIXELS = {SIDE}, {INK_SIDE_PIXELS}  # of the image, and of the longer side of a digit\n{text}"
    )
