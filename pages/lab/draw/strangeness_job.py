"""Whether a drawing looks like a digit to a run: learned beside the page, once a run, and kept for all visitors."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Hashable
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.analysis.images import sample
from core.data import EMBEDDED, present_names, title
from core.data.config import DataConfig
from core.data.dataset import N_CLASSES, Images
from core.data.split import split as split_dataset
from core.errors import DataError, InputError
from core.machine.faults import faults_as_input_errors
from core.runs.manifest import own_images
from core.runs.rows import Run
from pages.shared.services import dataset, predictor

if TYPE_CHECKING:
    from core.inspect.strangeness import Strangeness

MAX_WAITING = 20  # runs; each takes about ten seconds
MAX_KEPT_BYTES = 100_000_000
PAUSE_SECONDS = 0.001  # after each drawing, in which Python's lock goes to whoever draws a page


class StrangenessJobs:
    """The queue, and what was learned; its thread lives as long as there is something to do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: OrderedDict[Hashable, Run] = OrderedDict()
        self._made: OrderedDict[Hashable, Strangeness | InputError] = OrderedDict()
        self._thread: threading.Thread | None = None
        self._strangers: tuple[bytes, Images] = (
            b"",
            np.empty(0, np.uint8),
        )  # the last ones made, and the hash of their digits

    def of(self, run: Run) -> Strangeness | InputError | None:
        """What was learned, or why nothing could be; None as long as it is being learned, which begins when it is asked for."""
        key = (run.run_id, run.version)
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]
            if key not in self._waiting and len(self._waiting) < MAX_WAITING:
                self._waiting[key] = run
                if self._thread is None:
                    self._thread = threading.Thread(target=self._work, name="strangeness", daemon=True)
                    self._thread.start()
        return None

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                key, run = next(iter(self._waiting.items()))
            made = self._learned(run)
            with self._lock:
                self._made[key] = made
                del self._waiting[key]
                while sum(_nbytes(kept) for kept in self._made.values()) > MAX_KEPT_BYTES and len(self._made) > 1:
                    self._made.popitem(last=False)

    def _learned(self, run: Run) -> Strangeness | InputError:
        try:
            with faults_as_input_errors():
                from core.inspect.strangeness import MAX_DIGITS, SEED, STRANGERS_PER_DIGIT, learn
                from core.machine.threads import use_one_thread

                use_one_thread()
                name = run.config["data"]["dataset"]
                if name == EMBEDDED:  # measured by bench.strangers: 85 in 100 real pen digits would be refused
                    raise DataError(
                        f"{title(name)} are 8 × 8 pixels, enlarged, and every drawing is sharper than these, a real digit, too"
                    )
                if name not in present_names():
                    raise DataError(f"the images of {title(name)}, of which it learned, are not here")
                images = own_images(run.manifest, dataset(name))
                parts = split_dataset(images, DataConfig(**run.config["data"]))
                taken = parts.train[sample(images.train_labels[parts.train], range(N_CLASSES), MAX_DIGITS, SEED)]
                digits = images.train_images[taken]
                network = predictor(run)
                return learn(
                    network.module, digits, images.train_labels[taken],
                    self._made_strangers(round(STRANGERS_PER_DIGIT * len(digits)), SEED, digits),
                    images.train_images[parts.val], network.mean, network.std,
                )  # fmt: skip
        except InputError as error:
            return error

    def _made_strangers(self, n: int, seed: int, digits: Images) -> Images:
        """Takes seconds, so runs that learned from the same images share them."""
        from core.data.strangers import strangers

        of_digits = hashlib.sha256(digits.tobytes()).digest()
        if self._strangers[0] != of_digits:
            self._strangers = of_digits, strangers(n, seed, digits, _let_others_through)
        return self._strangers[1]


def _let_others_through() -> None:
    time.sleep(PAUSE_SECONDS)


def _nbytes(made: Strangeness | InputError) -> int:
    return 0 if isinstance(made, InputError) else made.nbytes


@st.cache_resource(show_spinner=False)
def strangeness_jobs() -> StrangenessJobs:
    """One for all visitors."""
    return StrangenessJobs()
