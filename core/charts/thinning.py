"""Fewer points on a line without losing the ones that matter."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray


def thin(x: ArrayLike, y: ArrayLike, limit: int = 300, keep: Iterable[int] = ()) -> NDArray[np.int64]:
    """Which points of a line to draw: indices, ascending, at most ``limit`` of them.

    x, y (n,) numbers; x gives the order only through its position, so it must be sorted already; y may hold NaN (a gap).
    Always among them: first and last point, lowest and highest value, every index in ``keep``. Between them each stretch
    of the line gives its lowest and its highest point, so that no spike is lost by stepping over it. A gap stays a gap: when
    points that remain had a NaN between them, one NaN of that gap remains too (as far as the limit allows).
    Raises ValueError when x and y differ in length or when what must stay is more than ``limit``.
    """
    values = np.asarray(y, np.float64)
    n = len(values)
    if len(np.asarray(x)) != n:
        raise ValueError(f"x has {len(np.asarray(x))} points, y has {n}")
    if n <= limit:
        return np.arange(n)
    finite = np.flatnonzero(np.isfinite(values))
    must = {0, n - 1, *(int(i) for i in keep)}
    if finite.size:
        must |= {int(finite[values[finite].argmin()]), int(finite[values[finite].argmax()])}
    missing = np.isnan(values)
    gaps = np.flatnonzero(missing & ~np.r_[False, missing[:-1]])
    room = limit - len(must)
    if room < 0:
        raise ValueError(f"{len(must)} points must stay, but only {limit} may be drawn")
    # Real gaps are few (a resumed run); a line that is mostly holes still gets half of the room for its values.
    breaks = [int(i) for i in gaps if int(i) not in must][: room // 2]
    kept = must | set(breaks)
    buckets = (limit - len(kept)) // 2
    for bucket in np.array_split(finite, buckets) if buckets and finite.size else ():
        if bucket.size:
            kept |= {int(bucket[values[bucket].argmin()]), int(bucket[values[bucket].argmax()])}
    return np.array(sorted(kept), np.int64)
