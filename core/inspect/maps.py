"""Maps of vectors in two dimensions: PCA, and t-SNE. NumPy only, so that a process that makes a map needs no torch."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from core.errors import InputError

if TYPE_CHECKING:
    from core.inspect.activations import Floats

MAX_TSNE_POINTS = 2_000
MIN_POINTS = 4
TSNE_STEPS, EXAGGERATED_STEPS = 500, 250
STEPS_PER_REPORT = 10
PERPLEXITY = 30.0  # about how many neighbours of a point count
START_DEVIATION = 1e-4  # of the first direction; a start that is wide already can not be rearranged


class Plane(NamedTuple):
    """The two directions along which vectors differ most.

    points (N, 2): where the vectors lie · shares: of all variance, along each direction · mean (D,), directions (2, D)
    """

    points: Floats
    shares: tuple[float, float]
    mean: Floats
    directions: Floats

    def place(self, vectors: Floats) -> Floats:
        """Where other vectors lie on it: (M, D) -> (M, 2)."""
        return ((vectors - self.mean) @ self.directions.T).astype(np.float32)


def pca(vectors: Floats) -> Plane:
    """The map of most variance: (N, D) vectors. Raises InputError for fewer than four, or for what is not a number."""
    from sklearn.decomposition import PCA  # takes a second

    _check(vectors)
    fit = PCA(2, random_state=0)
    with np.errstate(invalid="ignore"):  # images that are all alike have no variance to share
        points = fit.fit_transform(vectors.astype(np.float64))
    shares = np.nan_to_num(fit.explained_variance_ratio_)
    return Plane(points.astype(np.float32), (float(shares[0]), float(shares[1])), fit.mean_, fit.components_)


def why_no_tsne() -> str:
    """Why t-SNE can not be offered here, in a sentence; "" where it can."""
    try:
        import_module("openTSNE")
    except Exception as error:  # noqa: BLE001 - a damaged installation fails in any way
        return f"t-SNE needs openTSNE, which can not be loaded here ({type(error).__name__})."
    return ""


def tsne(
    vectors: Floats,
    on_step: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Floats:
    """A map on which neighbours stay neighbours: (N, D) -> points (N, 2). Distances between groups mean nothing.

    on_step: told now and then the steps done and all steps · should_stop: asked as often; the map so far is then returned
    It is openTSNE's (van der Maaten 2014, Barnes-Hut) and begins with the directions of ``pca`` (Kobak and Berens 2019), so
    the same vectors give the same map; one thread, no random numbers but its own. Raises InputError for fewer than four
    vectors, more than ``MAX_TSNE_POINTS``, or without openTSNE.
    """
    _check(vectors)
    n = len(vectors)
    if n > MAX_TSNE_POINTS:
        raise InputError(f"t-SNE takes at most {MAX_TSNE_POINTS:,} images, these are {n:,}.")
    if reason := why_no_tsne():
        raise InputError(reason)
    from openTSNE import TSNE
    from openTSNE.affinity import PerplexityBasedNN

    done = 0

    def report(_step: int, _error: float, _points: object) -> bool:
        nonlocal done
        done += STEPS_PER_REPORT
        if on_step:
            on_step(done, TSNE_STEPS)
        return bool(should_stop and should_stop())

    start = pca(vectors).points.astype(np.float64)
    start *= START_DEVIATION / max(float(start[:, 0].std()), 1e-12)
    perplexity = min(PERPLEXITY, (n - 1) / 3)
    near = PerplexityBasedNN(vectors, perplexity, method="exact", n_jobs=1, random_state=0)
    # Its other way, by interpolation, took three times as long for 2,000 points and held other threads up for longer.
    method = TSNE(
        early_exaggeration_iter=EXAGGERATED_STEPS, n_iter=TSNE_STEPS - EXAGGERATED_STEPS, negative_gradient_method="bh",
        n_jobs=1, random_state=0, callbacks=[report], callbacks_every_iters=STEPS_PER_REPORT,
    )  # fmt: skip
    return np.array(method.fit(affinities=near, initialization=start), np.float32)


def _check(vectors: Floats) -> None:
    if len(vectors) < MIN_POINTS:
        raise InputError(f"A map takes at least {MIN_POINTS} images, these are {len(vectors)}.")
    if not np.isfinite(vectors).all():
        raise InputError("What its last layer takes are not numbers: its training diverged, and there is no map of it.")
