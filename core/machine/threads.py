"""Who may use how many cores.

torch's thread number is kept per thread, and a new thread inherits whatever was set last anywhere. The training thread owns
the parallel pool; as soon as a second thread runs a parallel operation, training slows down several times (measured: 3.7x for
an MLP). So every thread states its number before its first torch operation: the trainer ``use_training_threads``, all others
``use_one_thread``.
"""

from __future__ import annotations

import os
import sys
import threading

import torch

from core.machine.processor import n_cores, wanted_threads

NICENESS, LOWEST = 5, 19  # what a thread that gives way adds to its niceness, and the end of the scale


def training_threads() -> int:
    """Threads for training: $DIGIT_LAB_THREADS, else all cores but one, which draws what is seen.

    The threads of an operation wait for each other, so one that has to share its core with a browser holds up all. On two
    cores with one visitor watching, a CNN trained 1.4 times and an MLP 2.3 times faster with one thread than with two; with
    nobody watching, the CNN was 1.3 times faster with two. A lower priority for it (nice 10 or 19) made no page faster that
    could be told from noise, so it has none. The command line keeps the same number, and so the same bits.
    """
    if wanted := wanted_threads():
        return wanted
    return max(1, n_cores() - 1)


def use_training_threads() -> int:
    """Called first by the one thread that trains; returns how many threads its operations use."""
    torch.set_num_threads(training_threads())
    return torch.get_num_threads()


def use_threads(threads: int) -> None:
    """The same for a thread whose runs do not all have the same number; called before each of their steps."""
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)


def use_one_thread() -> None:
    """Called first by any other thread that is going to use torch."""
    torch.set_num_threads(1)


def give_way() -> None:
    """The same for a thread that computes for long: whoever trains, or waits for a page, comes first."""
    use_one_thread()
    if sys.platform == "linux":  # where each thread has a priority of its own, which nobody may raise again
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, min(LOWEST, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS))
