"""How many images a run will really hold out, before it begins."""

from __future__ import annotations

from core.config import RunConfig
from core.data.split import part_sizes
from core.errors import InputError
from pages.shared.services import count_images


def held_out_sentence(config: RunConfig) -> str:
    """ "Of 1,415 training images, 258 are held out for validation."; "" when the images are not here, or none would be left."""
    n_images = count_images(config.data.dataset)
    if n_images is None:
        return ""
    try:
        _, n_val = part_sizes(n_images, config.data)
    except InputError:
        return ""
    held_out = f"{n_val:,} are" if n_val > 1 else "1 is" if n_val else "none is"
    return f"Of {n_images:,} training images, {held_out} held out for validation."
