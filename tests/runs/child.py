"""A process to be killed: ``drive_one`` trains one run, ``child.py ROOT`` everything queued."""

from __future__ import annotations

import atexit
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from run_material import small_digits

from core.runs import job
from core.runs.store import Store
from core.runs.worker import Worker, drive


def leave(number: int, frame: object) -> None:
    raise SystemExit(0)


def drive_one(root: str, run_id: str) -> None:
    """With a checkpoint after every step."""
    job.CHECKPOINT_SECONDS = 0.0
    data = small_digits()
    drive(Store(Path(root)), run_id, lambda name: data)


def main() -> None:
    job.CHECKPOINT_SECONDS = 0.0
    data = small_digits()
    signal.signal(signal.SIGTERM, leave)
    worker = Worker(Store(Path(sys.argv[1])), lambda name: data)
    worker.start()
    atexit.register(worker.shutdown)
    while True:
        time.sleep(0.1)


if __name__ == "__main__":
    main()
