"""Freed memory stays at hand while something learns, and is given back afterwards; seen in fresh processes, as the system
counts it."""

from __future__ import annotations

import json
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other systems' memory is not touched")

SCRIPT = """
import json, resource, sys, threading
import numpy as np
from core.machine.memory import trim_heap, disable_heap_trim

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

def step():
    blocks = [np.ones(2**20) for _ in range(8)]  # 64 MiB, as the layers of a step hand on

def work():
    if sys.argv[1] == "kept":
        disable_heap_trim()
    step()
    step()
    before = faults()
    for _ in range(10):
        step()
    per_step, held = (faults() - before) / 10, resident()
    trim_heap()
    print(json.dumps([per_step, held - resident()]))

if sys.argv[2] == "thread":
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
else:
    work()
"""


def seen(how: str, where: str) -> tuple[float, int]:
    """Pages that the system had to hand out for each step, and bytes that it got back at the end."""
    done = subprocess.run([sys.executable, "-c", SCRIPT, how, where], capture_output=True, text=True, check=True)
    pages, returned = json.loads(done.stdout)
    return pages, returned


@pytest.mark.parametrize("where", ["main", "thread"])
def test_a_step_finds_the_memory_of_the_one_before_it(where: str) -> None:
    pages, returned = seen("kept", where)
    assert pages < seen("untouched", where)[0] / 10
    assert returned > 32 * 2**20
