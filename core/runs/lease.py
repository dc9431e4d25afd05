"""Whether the process that trains a run is still there: an open file lock says so, and the system frees it at death.

No clock and no heartbeat: a computer that slept or a clock that jumped can not make a living worker look dead.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

_ID = re.compile(r"[0-9a-f]{32}")


class Lease:
    """Held from construction to ``release`` or the end of the process. Raises OSError where no file can be made."""

    def __init__(self, root: Path) -> None:
        self.id = secrets.token_hex(16)
        self._path = _path(root, self.id)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self._path, thread_local=False)
        self._lock.acquire(timeout=1)

    def release(self) -> None:
        """Let go; may be called twice and from any thread."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def is_alive(root: Path, worker_id: str, tries: int = 1) -> bool:
    """Whether somebody holds this lease.

    Two who ask in the same instant can see each other; before acting on "alive", ask with several ``tries``.
    """
    if not _ID.fullmatch(worker_id):
        return False
    path = _path(root, worker_id)
    for _ in range(tries):
        if not path.exists():
            return False
        lock = FileLock(path, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        except OSError:  # a folder that can only be read holds no worker
            return False
        with contextlib.suppress(OSError):  # dead: the next one to ask finds no file
            path.unlink(missing_ok=True)
        lock.release()
        return False
    return True


def _path(root: Path, worker_id: str) -> Path:
    return root / "workers" / f"{worker_id}.lock"
