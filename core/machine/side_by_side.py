"""How many runs this machine trains side by side, each in a process of its own, and with how many threads.

A small network hardly gets faster with more threads: its operations are too short to be shared. Whole runs side by side do,
so every core gets a process with one thread.
"""

from __future__ import annotations

from core.machine.device import available_devices, memory_bytes
from core.machine.processor import SideBySide, n_cores, wanted_processes, wanted_threads

PROCESS_BYTES = 2**29  # of a child with torch loaded, besides its network
MAX_MEMORY_SHARE = 0.25  # of this machine's memory, for all of them together


def side_by_side() -> SideBySide:
    """$DIGIT_LAB_PROCESSES and $DIGIT_LAB_THREADS, else a process per core, with one thread each, as far as memory goes. One
    where there is a GPU, which every process would need memory of. Raises ConfigError for a variable out of its range."""
    processes, threads = wanted_processes(), wanted_threads()
    if not processes:
        per_core = max(1, n_cores() // (threads or 1))
        fitting = int(memory_bytes() * MAX_MEMORY_SHARE / PROCESS_BYTES)
        processes = 1 if len(available_devices()) > 1 else max(1, min(per_core, fitting))
    return planned(processes)


def planned(processes: int) -> SideBySide:
    """So many at a time, with $DIGIT_LAB_THREADS threads each, else an equal share of the cores."""
    return SideBySide(processes, wanted_threads() or max(1, n_cores() // processes))
