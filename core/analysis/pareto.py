"""What accuracy costs: which of several networks nobody beats on both counts. No torch in here."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def pareto_front(x: ArrayLike, y: ArrayLike) -> NDArray[np.bool_]:
    """The Pareto front: the points that no other point equals or beats on both counts and beats on one.

    x (n,) cost, less is better · y (n,) quality, more is better
    Returns (n,) bool. Equal points stand or fall together; a point with a NaN is never on the front and beats nobody.
    Raises ValueError when x and y differ in length.
    """
    cost, quality = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if cost.shape != quality.shape:
        raise ValueError(f"x has {cost.size} points, y has {quality.size}")
    loss = -quality
    front = np.zeros(cost.shape, np.bool_)
    measured = np.flatnonzero(~np.isnan(cost) & ~np.isnan(loss))
    lowest, at = np.inf, np.nan
    # From cheap to dear, the best of equal cost first: on the front is what is better than all before it.
    for i in measured[np.lexsort((loss[measured], cost[measured]))]:
        if loss[i] < lowest:
            lowest, at = float(loss[i]), float(cost[i])
            front[i] = True
        else:
            front[i] = loss[i] == lowest and cost[i] == at
    return front
