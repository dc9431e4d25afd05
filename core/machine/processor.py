"""What the processor of this machine is called, how many cores it has, and how many threads and processes the environment asks
for. No torch in here."""

from __future__ import annotations

import contextlib
import os
import platform
from functools import cache
from pathlib import Path
from typing import NamedTuple

from core.errors import ConfigError

THREADS, MAX_THREADS = "DIGIT_LAB_THREADS", 1024
PROCESSES, MAX_PROCESSES = "DIGIT_LAB_PROCESSES", 64
LISTING = "/proc/cpuinfo"  # on Linux; on an ARM processor it holds no name


@cache
def cpu_model() -> str:
    """Such as "AMD EPYC 9B14"; the kind of machine where the system does not tell more."""
    with contextlib.suppress(OSError):  # no such file elsewhere, or not for everybody
        for line in Path(LISTING).read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine() or "unknown"


def wanted_threads() -> int:
    """$DIGIT_LAB_THREADS, 0 where it is not set. Raises ConfigError with its range."""
    return _wanted(THREADS, MAX_THREADS)


def wanted_processes() -> int:
    """$DIGIT_LAB_PROCESSES, 0 where it is not set. Raises ConfigError with its range."""
    return _wanted(PROCESSES, MAX_PROCESSES)


class SideBySide(NamedTuple):
    """processes: that each train a run, 1 where the thread of the server trains all in turn · threads: of each of several
    processes"""

    processes: int
    threads: int


def n_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _wanted(variable: str, most: int) -> int:
    text = os.environ.get(variable, "").strip()
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and 0 < int(text) <= most):
        raise ConfigError(f"{variable} is {text[:40]!r}, expected a whole number from 1 to {most:,}")
    return int(text)
