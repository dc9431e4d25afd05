"""What a form is made of, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from core import data
from core.data.dataset import Dataset, Images
from core.data.split import split
from core.errors import InputError
from core.runs.groups import Group, group
from core.runs.manifest import own_images
from core.runs.rows import Run
from core.runs.store import Store


@dataclass(frozen=True, slots=True)
class File:
    """name: without a folder · mime: what kind of content it is, for a browser"""

    name: str
    content: bytes
    mime: str


@dataclass(frozen=True, slots=True)
class Exported:
    """files: at least one · sentence: what is in them · warning: a sentence that must not be overlooked, "" for none
    figures: the same as plain values, for ``--json``"""

    files: tuple[File, ...]
    sentence: str
    warning: str = ""
    figures: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Source:
    """A run, the store that keeps it, and what was added for this form.

    test_csv: the content of Kaggle's file, None where nobody gave one · load_dataset: gives a dataset by its name
    on_images: told how many images have been read, by the forms that read any
    on_step: told by the forms that take long what they do, and which share of their steps is done
    should_stop: asked by these several times a second
    """

    store: Store
    run: Run
    test_csv: bytes | None = None
    load_dataset: Callable[[str], Dataset] = data.load
    on_images: Callable[[int], None] | None = None
    on_step: Callable[[str, float], None] | None = None
    should_stop: Callable[[], bool] | None = None

    def trained_on(self) -> Images | None:
        """The images (N, 28, 28) that the run was trained on; None when they are not here."""
        try:
            settings = self.run.run_config().data
            dataset = own_images(self.run.manifest, self.load_dataset(settings.dataset))
            return dataset.train_images[split(dataset, settings).train]
        except InputError:
            return None


@dataclass(frozen=True)
class GroupSource:
    """A comparison, the store that keeps it, and its runs in the order of launch."""

    store: Store
    group: Group
    runs: tuple[Run, ...]


def of_group(store: Store, group_id: str) -> GroupSource:
    """Raises RunError when there is no such comparison, or when it is damaged."""
    runs = sorted(store.runs(group=group_id), key=lambda run: run.number)
    return GroupSource(store, group(store, group_id), tuple(runs))
