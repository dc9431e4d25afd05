"""What was made of runs is kept for everybody, up to so many bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast

import streamlit as st

MAX_SHELF_BYTES = 50_000_000
PLACE_BYTES = 500  # that a thing takes beside its own
# Of what is told: read at this moment, read within half a second, or only what neither has to be read nor made.
Age = Literal["now", "lately", "at hand"]


class NotAtHandError(Exception):
    """It would have to be read or made first, which takes longer than whoever asks may wait."""


Thing = TypeVar("Thing")


@dataclass(eq=False, slots=True)
class _Place:
    """One thing. Whoever makes it holds the lock, and the others wait for it.

    content: (stamp, thing), read and replaced as a whole · size: bytes
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    content: tuple[Any, Any] | None = None
    size: int = 0


class Shelf:
    """Things by key, the newest of each; those that nobody took for the longest go first when there are too many."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes, self._bytes = max_bytes, 0
        self._lock = threading.Lock()
        self._places: OrderedDict[Hashable, _Place] = OrderedDict()

    def get(
        self, key: Hashable, stamp: Any, make: Callable[[], Thing], size: Callable[[Thing], int], age: Age = "lately"
    ) -> Thing:
        """The thing of this key when it has this stamp, else a new one; size: its bytes.

        Raises what ``make`` raises, and NotAtHandError where it has to be "at hand" and is not.
        """
        with self._lock:
            place = self._places.setdefault(key, _Place())
            self._places.move_to_end(key)
        if place.content and place.content[0] == stamp:
            return cast("Thing", place.content[1])
        if age == "at hand":
            raise NotAtHandError
        with place.lock:
            if place.content and place.content[0] == stamp:
                return cast("Thing", place.content[1])
            thing = make()
            place.content = (stamp, thing)
            self._weigh(key, place, PLACE_BYTES + size(thing))
            return thing

    def _weigh(self, key: Hashable, place: _Place, size: int) -> None:
        with self._lock:
            if self._places.get(key) is not place:
                return  # it had to go meanwhile
            self._bytes += size - place.size
            place.size = size
            while self._bytes > self._max_bytes and len(self._places) > 1:
                _, oldest = self._places.popitem(last=False)
                self._bytes -= oldest.size


@st.cache_resource(show_spinner=False)
def shelf() -> Shelf:
    """One for all visitors; asked for once an answer, for the cache around it takes longer than the shelf itself."""
    return Shelf(MAX_SHELF_BYTES)
