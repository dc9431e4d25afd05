"""What the processor of this machine is called, and how many threads the environment asks for. No torch in here."""

from __future__ import annotations

import contextlib
import os
import platform
from functools import cache
from pathlib import Path

from core.errors import ConfigError

THREADS, MAX_THREADS = "DIGIT_LAB_THREADS", 1024
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
    text = os.environ.get(THREADS, "").strip()
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_THREADS)) and 0 < int(text) <= MAX_THREADS):
        raise ConfigError(f"{THREADS} is {text[:40]!r}, expected a whole number from 1 to {MAX_THREADS:,}")
    return int(text)
