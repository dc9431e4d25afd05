"""What the processor of this machine is called."""

from __future__ import annotations

import contextlib
import platform
from functools import cache
from pathlib import Path

LISTING = "/proc/cpuinfo"  # on Linux; on an ARM processor it holds no name


@cache
def cpu_model() -> str:
    """Such as "AMD EPYC 9B14"; the kind of machine where the system does not tell more."""
    with contextlib.suppress(OSError):  # no such file elsewhere, or not for everybody
        for line in Path(LISTING).read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine() or "unknown"
