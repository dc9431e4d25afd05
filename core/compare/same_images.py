"""Which runs may stand in one table: those that learned from the same images and are judged on the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.data import DatasetName
from core.runs.rows import Run


@dataclass(frozen=True, slots=True)
class ImageSet:
    """Runs whose figures compare, in the order in which they came.

    title: what people call their images; no other set of the same list has it
    older_split: what is to be said of all their figures when the dataset is split otherwise since, else ""
    """

    title: str
    dataset: DatasetName
    older_split: str
    runs: tuple[Run, ...]


def image_sets(runs: Sequence[Run]) -> list[ImageSet]:
    """The runs by their images, in the order of the first of each set.

    runs: the newest first, as the store lists them. One that has not begun stands with the newest of its dataset that has.
    """
    begun: dict[str, tuple[str, ...]] = {}
    for run in runs:
        if len(run.images) > 1:
            begun.setdefault(run.images[0], run.images)
    by_images: dict[tuple[str, ...], list[Run]] = {}
    for run in runs:
        images = run.images if len(run.images) > 1 else begun.get(run.images[0], run.images)
        by_images.setdefault(images, []).append(run)
    sets: list[ImageSet] = []
    titles: list[str] = []
    for members in by_images.values():
        first = next((run for run in members if run.manifest), members[0])
        earlier = titles.count(first.dataset_title)  # other files under the same name
        titles.append(first.dataset_title)
        title = first.dataset_title + (f", earlier files {earlier}" if earlier else "")
        sets.append(ImageSet(title, first.config["data"]["dataset"], first.older_split, tuple(members)))
    return sets
