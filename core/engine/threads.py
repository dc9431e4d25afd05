"""Who may use how many cores.

torch's thread number is kept per thread, and a new thread inherits whatever was set last anywhere. The training thread owns
the parallel pool; as soon as a second thread runs a parallel operation, training slows down several times (measured: 3.7x for
an MLP). So every thread states its number before its first torch operation: the trainer ``claim_pool``, all others
``stay_single``.
"""

from __future__ import annotations

import os

import torch


def pool_size() -> int:
    """Threads for training: $DIGIT_LAB_THREADS, else every core this process may use."""
    wanted = os.environ.get("DIGIT_LAB_THREADS", "")
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def claim_pool() -> int:
    """Called first by the one thread that trains; returns how many threads its operations use."""
    torch.set_num_threads(pool_size())
    return torch.get_num_threads()


def stay_single() -> None:
    """Called first by any other thread that is going to use torch."""
    torch.set_num_threads(1)
