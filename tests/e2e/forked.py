"""Servers that begin with the libraries in memory: a process that has imported them is forked for each, so that dozens of tests
may have a server of their own without waiting seconds for torch every time.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

# What every visitor's first page imports. Importing starts no thread and reads no setting of a test.
PRELOADED = [
    "streamlit.web.cli", "streamlit.web.bootstrap", "torch", "pandas", "plotly.graph_objects", "pages.shared.services",
    "core.runs.worker",
]  # fmt: skip
_FORKSERVER = multiprocessing.get_context("forkserver")


@dataclass
class ForkedProcess:
    """The part of ``subprocess.Popen`` that tests of a server use."""

    process: ForkServerProcess

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def poll(self) -> int | None:
        """The exit code, None while it runs; minus the signal that ended it."""
        return self.process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Raises TimeoutError."""
        self.process.join(timeout)
        if self.process.exitcode is None:
            raise TimeoutError(f"the server still runs after {timeout} s")
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.process.kill()


def start(arguments: Sequence[str], folder: Path, env: Mapping[str, str], log: Path) -> ForkedProcess:
    """``streamlit`` with these arguments, in that folder, writing to ``log``."""
    _FORKSERVER.set_forkserver_preload(PRELOADED)  # heard once, by the first
    process = _FORKSERVER.Process(target=_serve, args=(list(arguments), str(folder), dict(env), str(log)))
    process.start()
    return ForkedProcess(process)


def _serve(arguments: list[str], folder: str, env: dict[str, str], log: str) -> None:
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    sink = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(sink, stream)
    sys.argv = ["streamlit", *arguments]
    from streamlit.web.cli import main

    main()
