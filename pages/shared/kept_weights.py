"""What the weights that runs keep on their way will take on the disk, before they begin."""

from __future__ import annotations

from collections.abc import Sequence

from core import models
from core.config import RunConfig
from core.engine.snapshots import planned_snapshots
from core.errors import InputError
from pages.shared.services import count_images

MB = 1_000_000


def kept_weights_sentence(configs: Sequence[RunConfig]) -> str:
    """ "Keeps weights 21 times on the way, about 4.6 MB on the disk."; "" when none keeps any, or it can not be known."""
    times = total = 0
    for config in configs:
        n_images = count_images(config.data.dataset)
        if n_images is None or config.training.snapshots == "none":
            continue
        try:
            n, n_bytes = planned_snapshots(config, n_images, models.get(config.architecture).n_params(config.model))
        except InputError:  # nothing would be left to train on, which is said elsewhere
            continue
        times, total = times + n, total + n_bytes
    if not times:
        return ""
    size = f"about {total / MB:,.0f} MB" if total >= 10 * MB else f"about {max(0.1, total / MB):.1f} MB"
    return f"Keeps weights {times:,} times on the way, {size} on the disk."
