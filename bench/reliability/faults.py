"""Faults at a chosen step: every write, sync, rename and commit of a process is counted, and one of them goes wrong."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any


def full_disk() -> None:
    """What a disk says that has no room left."""
    raise OSError(28, "No space left on device")


def sudden_death() -> None:
    """What no process can prepare for."""
    os.kill(os.getpid(), signal.SIGKILL)


class Faults:
    """Counts the steps that touch the disk, and does something at the chosen one (and, if told so, ever after).

    names: of the steps so far, in order: "write", "fsync", "rename", "commit"
    """

    def __init__(
        self,
        set_attribute: Callable[[object, str, Any], None],
        at: int,
        act: Callable[[], object],
        lasting: bool = False,
    ) -> None:
        """set_attribute: ``setattr`` in a process that ends soon, else one that can be undone · at: from 1, 0 for never"""
        self.names: list[str] = []
        self._at, self._act, self._lasting = at, act, lasting
        step, fsync, replace, opened = self.step, os.fsync, Path.replace, Path.open

        def failing_fsync(handle: int) -> None:
            step("fsync")
            fsync(handle)

        def failing_replace(path: Path, target: Path) -> Path:
            step("rename")
            return replace(path, target)

        def failing_open(path: Path, mode: str = "r", *rest: Any, **named: Any) -> Any:
            file = opened(path, mode, *rest, **named)
            return _Halting(file, step) if mode == "wb" else file

        class Connection(sqlite3.Connection):
            def execute(self, query: str, *values: Any) -> sqlite3.Cursor:
                if query == "COMMIT":
                    step("commit")
                return super().execute(query, *values)

        connect = sqlite3.connect
        set_attribute(os, "fsync", failing_fsync)
        set_attribute(Path, "replace", failing_replace)
        set_attribute(Path, "open", failing_open)
        set_attribute(sqlite3, "connect", lambda *a, **k: connect(*a, factory=Connection, **k))

    def step(self, name: str) -> None:
        """One step is about to be made."""
        self.names.append(name)
        number = len(self.names)
        if number == self._at or (self._lasting and number > self._at):
            self._act()


class _Halting:
    """A file of which half is on the disk when its step comes."""

    def __init__(self, file: Any, step: Callable[[str], None]) -> None:
        self._file, self._step = file, step

    def __enter__(self) -> _Halting:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def write(self, content: bytes) -> None:
        self._file.write(content[: len(content) // 2])
        self._file.flush()
        self._step("write")
        self._file.write(content[len(content) // 2 :])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
