"""What the benches of the dashboard share: a real server with its own store, an eye on what is committed there, figures.

The bench never asks the pages what happened. It reads the server's store from outside, as any second process may.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from core import data
from core.config import RunConfig
from core.errors import InputError
from core.machine.processor import cpu_model
from core.runs.rows import Run
from core.runs.store import Store

ROOT = Path(__file__).parents[1]
START_SECONDS, STOP_SECONDS, RUN_SECONDS = 90.0, 20.0, 300.0  # patience
POLL_SECONDS = 0.02  # between two readings of the store
REST_LOOK_SECONDS, REST_LOOKS, REST_SHARE = (
    2.0,
    2,
    0.05,
)  # resting: less than this share of a core in so many looks in a row
MAX_REST_SECONDS = 180.0


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which a share of them lies, share in [0, 1], straight lines between neighbours. Raises ValueError."""
    if not values or not 0 <= share <= 1:
        raise ValueError(f"no percentile {share} of {len(values)} values")
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below, above = ordered[math.floor(place)], ordered[math.ceil(place)]
    return below + (above - below) * (place - math.floor(place))


def about(*packages: str) -> dict[str, Any]:
    """The device, its cores and how busy they are by now, and the versions of what is measured."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = {name: metadata.version(name) for name in ("torch", "streamlit", *packages)}
    load = {"load": round(os.getloadavg()[0], 1)} if hasattr(os, "getloadavg") else {}
    return {"cpu": cpu_model(), "cores": cores, **load, "python": platform.python_version(), **versions}


def about_line(facts: Mapping[str, Any]) -> str:
    """The same for people."""
    return "  ".join(f"{name}: {value}" for name, value in facts.items())


def report(rows: Iterable[dict[str, Any]], text: Callable[[dict[str, Any]], str], *, as_json: bool) -> int:
    """Print one line per row as soon as it is there. Exit code 0, or 2 with one line on standard error for what can not be."""
    try:
        for row in rows:
            print(json.dumps(row) if as_json else text(row), flush=True)
    except (InputError, RuntimeError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def met_words(row: Mapping[str, Any]) -> str:
    """Whether a row meets what was asked, for the end of its line; "" where nothing was."""
    return {None: "", True: "   met", False: "   not met"}[row["met"]]


def clicks_line(name: str, row: Mapping[str, Any]) -> str:
    """A row of times in milliseconds for people, as benches of many visitors yield it. name: as wide as in the other rows"""
    limit = f" (asked p95 {row['asked_p95_ms']:,.0f})" if row["asked_p95_ms"] else ""
    figures = f"p50 {row['p50_ms']:,.0f} p95 {row['p95_ms']:,.0f} max {row['max_ms']:,.0f} ms"
    return f"{name} n {row['n']:6,}   {figures}{limit}{met_words(row)}"


def errors_line(name: str, row: Mapping[str, Any]) -> str:
    """A row of errors for people, with the first of them."""
    return f"{name} {row['n']:,} (asked 0){met_words(row)}" + "".join(f"\n    {error}" for error in row["first"])


def best_dataset() -> str:
    """MNIST where its files are, else the embedded digits."""
    return data.suggested_dataset()


@dataclass
class Server:
    """A running dashboard. ``store``: the same store that it uses, opened by this process as well."""

    process: subprocess.Popen[str]
    url: str
    store: Store
    log: Path

    def rss(self) -> float:
        """Memory that the server's process holds, in MB (10^6 bytes)."""
        status = Path(f"/proc/{self.process.pid}/status")
        if status.exists():
            return int(re.findall(r"VmRSS:\s+(\d+)", status.read_text())[0]) * 1024 / 1e6
        listed = subprocess.run(["ps", "-o", "rss=", "-p", str(self.process.pid)], capture_output=True, check=True)
        return int(listed.stdout) * 1024 / 1e6

    def cpu_seconds(self) -> float:
        """Of all threads of the server's process so far."""
        if (stat := Path(f"/proc/{self.process.pid}/stat")).exists():
            ticks = stat.read_text().rpartition(")")[2].split()[11:13]  # in its own code and in the kernel
            return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
        listed = subprocess.run(
            ["ps", "-o", "time=", "-p", str(self.process.pid)], capture_output=True, check=True, text=True
        )
        minutes, _, seconds = listed.stdout.strip().rpartition(":")  # on macOS; of a server that has just started
        return 60 * float(minutes) + float(seconds)

    def rested(self) -> float:
        """Wait until it has loaded what its first visitor set going: it takes next to nothing of a core. Returns its processor
        seconds by then. Raises RuntimeError when it never rests."""
        deadline, before, n_at_rest = time.monotonic() + MAX_REST_SECONDS, self.cpu_seconds(), 0
        while time.monotonic() < deadline:
            time.sleep(REST_LOOK_SECONDS)
            now = self.cpu_seconds()
            n_at_rest = n_at_rest + 1 if now - before < REST_SHARE * REST_LOOK_SECONDS else 0
            if n_at_rest == REST_LOOKS:
                return now
            before = now
        raise RuntimeError(f"the server still computes after {MAX_REST_SECONDS:g} s\n{self.tail()}")

    def train(self, config: RunConfig) -> str:
        """Queue a run; the server's own worker takes it within 0.2 s. Returns its id."""
        return self.store.create(config)

    def ended(self, run_id: str) -> Run:
        """Wait for the end of a run. Raises RuntimeError when it takes too long or does not finish well."""
        deadline = time.monotonic() + RUN_SECONDS
        while not (run := self.store.run(run_id)).has_ended:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{run.name} did not end within {RUN_SECONDS:g} s: {run.status}\n{self.tail()}")
            time.sleep(POLL_SECONDS)
        if run.status not in ("finished", "stopped"):
            raise RuntimeError(f"{run.name}: {run.status}. {run.reason}")
        return run

    def tail(self) -> str:
        """The end of the server's log."""
        return self.log.read_text()[-2000:]


def memory(pid: int) -> dict[str, float] | None:
    """Of a process, in MB of 2^20 bytes: "rss_mb", and "pss_mb", in which a page that n processes share counts as 1/n; None
    where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("Rss:", "Pss:"))}
    return {"rss_mb": kilobytes["Rss"] / 1024, "pss_mb": kilobytes["Pss"] / 1024}


def children_of(pid: int) -> list[int]:
    """The processes that a process has started and that have not ended; [] where the system does not tell."""
    paths = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in paths for child in path.read_text().split()]


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A place for runs and logs that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="digit-lab-bench-", ignore_cleanup_errors=True) as path:
        yield Path(path)


@contextlib.contextmanager
def serving(place: Path, **environment: str) -> Iterator[Server]:
    """The dashboard on a free port with its runs in ``place``, from its first answer on; stopped at the end.

    environment: variables besides those of this process

    Raises RuntimeError when it does not start.
    """
    log = place / f"server-{time.time_ns()}.log"
    command = [
        sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.port=0", "--server.headless=true",
        "--server.fileWatcherType=none", "--browser.gatherUsageStats=false",
    ]  # fmt: skip
    env = {**os.environ, "DIGIT_LAB_RUNS": str(place / "runs"), "PYTHONUNBUFFERED": "1", **environment}
    with log.open("w") as sink:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=sink, stderr=subprocess.STDOUT, text=True)
    try:
        url = _address(process, log)
        store = Store(place / "runs")
        try:
            yield Server(process, url, store, log)
        finally:
            store.close()
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(process: subprocess.Popen[str], log: Path) -> str:
    """Wait for the first healthy answer."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        port = re.search(r"(?:127\.0\.0\.1|localhost):(\d+)", log.read_text())
        if port:
            with contextlib.suppress(OSError):
                url = f"http://localhost:{port.group(1)}"
                with urllib.request.urlopen(url + "/_stcore/health", timeout=2) as answer:
                    if answer.read() == b"ok":
                        return url
        time.sleep(POLL_SECONDS)
    raise RuntimeError(f"the server did not start:\n{log.read_text()[-2000:]}")


@dataclass(frozen=True, slots=True)
class Seen:
    """An event of a run as it turned up in the store.

    arose: wall time of the event, s since 1970: when its commit was seen, less what the run had computed since the event
    (a commit brings along events that waited for it, a quarter of a second at most)
    """

    arose: float
    committed: float
    kind: str
    epoch: float


class Follower:
    """Notes when each new event of a run is committed, to 0.02 s, from a thread of its own; used with ``with``.

    run_id: without one, the run that is created next; then ``run_id`` is "" until there is one
    """

    def __init__(self, store: Store, run_id: str = "") -> None:
        self.run_id, self.seen = run_id, list[Seen]()
        self._store, self._seq = store, 0
        self._known = {run.run_id for run in store.runs()}
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="follower", daemon=True)

    def __enter__(self) -> Self:
        self._look()  # what was there before is not news
        self.seen.clear()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving.set()
        self._thread.join()

    def images_per_s(self, n_train: int, began: float, ended: float) -> float:
        """Training images per second of wall time between two moments: from the first to the last event among them.

        Raises RuntimeError when there are fewer than two.
        """
        inside = [one for one in self.seen if began <= one.committed <= ended and one.kind in ("progress", "epoch")]
        if len(inside) < 2 or inside[-1].arose <= inside[0].arose:
            raise RuntimeError("the training told too little in this time: take more --seconds")
        return (inside[-1].epoch - inside[0].epoch) * n_train / (inside[-1].arose - inside[0].arose)

    def first(self, kind: str) -> Seen:
        """The first event of a kind. Raises RuntimeError when there was none."""
        event = next((one for one in self.seen if one.kind == kind), None)
        if event is None:
            raise RuntimeError(f"run {self.run_id[:12]} told no {kind!r}, only {[one.kind for one in self.seen]}")
        return event

    def _follow(self) -> None:
        while not self._leaving.wait(POLL_SECONDS):
            self._look()
        self._look()

    def _look(self) -> None:
        if not self.run_id:
            self.run_id = next((run.run_id for run in self._store.runs() if run.run_id not in self._known), "")
            if not self.run_id:
                return
        events = self._store.history(self.run_id, after=self._seq)
        now = time.time()
        newest = max((event.get("seconds", 0.0) for _, event in events), default=0.0)
        for seq, event in events:
            waited = newest - event["seconds"] if "seconds" in event else 0.0
            self.seen.append(Seen(now - waited, now, event["event"], event.get("epoch") or 0.0))
            self._seq = seq
