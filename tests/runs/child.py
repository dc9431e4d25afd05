"""A process to be killed: ``child.py drive ROOT RUN_ID`` trains one run, ``child.py worker ROOT`` everything queued."""

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


def main() -> None:
    job.CHECKPOINT_SECONDS = 0.0
    data = small_digits()
    store = Store(Path(sys.argv[2]))
    if sys.argv[1] == "drive":
        print("ready", flush=True)
        drive(store, sys.argv[3], lambda name: data)
        return
    signal.signal(signal.SIGTERM, leave)
    worker = Worker(store, lambda name: data)
    worker.start()
    atexit.register(worker.shutdown)
    print("ready", flush=True)
    while True:
        time.sleep(0.1)


if __name__ == "__main__":
    main()
