"""Rows about the running dashboard: killed, told to end, asked by strangers, and looked at with a real browser."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http.client
import importlib.util
import random
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote, urlsplit

from bench.reliability.bombs import traversal_strings
from bench.reliability.card import Row, Tally
from bench.reliability.children import can_fork, wait_for
from bench.reliability.names import HOSTILE, PAGES, QUERIES, stored
from bench.reliability.processes import GRACE_SECONDS, check_let_go, config_of, have_begun, have_ended
from bench.reliability.trainings import ending, uninterrupted
from bench.serving import Server, serving
from core.errors import RunError
from core.runs.schema import DATABASE

UPGRADE: Mapping[str, str] = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Protocol": "streamlit",
    "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
}  # fmt: skip
BROWSER_TIMEOUT_MS = 60_000
KILLED_EPOCHS: Mapping[str, int] = MappingProxyType({"mlp": 120, "gru": 24, "cnn": 12})  # seconds each
MAX_KILL_SECONDS = 2.0  # after both runs have begun; a server keeps a checkpoint about once a second
ACTED = (
    "!!window.wasRun || !!document.querySelector(\"img[src='x'], a[href^='javascript'], a[href*='192.0.2.1'], .katex\")"
)


def needs_visitor() -> str:
    """Why nobody can visit here, "" where somebody can."""
    return "" if importlib.util.find_spec("websockets") else "needs requirements-dev.txt (websockets)"


def needs_killed() -> str:
    """Why no server can be killed here whose runs are then compared with those of a forked training."""
    return needs_visitor() or can_fork()


def needs_browser() -> str:
    """Why there is no browser, "" where there is."""
    if not importlib.util.find_spec("playwright"):
        return "needs requirements-dev.txt (playwright)"
    from bench.moments import find_browser

    return "" if find_browser() else "no Chromium or Chrome on this machine"


def open_first_page(url: str) -> None:
    """What the first visitor does: it starts the worker."""
    from bench.visitor import Visitor

    async def come_and_go() -> None:
        visitor = await Visitor.arrive(url, "", "")
        await visitor.leave()

    asyncio.run(come_and_go())


def killed(tally: Tally, folder: Path) -> None:
    """SIGKILL of the dashboard at random moments while it trains two runs and a third waits. Started again, it trains the
    third by itself and the others after a press of Resume, as an interrupted run on the page asks for."""
    chance = random.Random(tally.seed)
    wholes = {name: uninterrupted(name, folder / "whole" / name, epochs=n) for name, n in KILLED_EPOCHS.items()}
    while tally.tried < tally.asked:
        place, where = folder / str(tally.tried), f"kill {tally.tried}"
        place.mkdir()
        with serving(place) as server:
            run_ids = {server.train(config_of(name, epochs=n)): name for name, n in KILLED_EPOCHS.items()}
            open_first_page(server.url)
            wait_for(partial(have_begun, server.store, list(run_ids)[:2]), "two runs")
            time.sleep(chance.uniform(0, MAX_KILL_SECONDS))
            server.process.kill()
            server.process.wait()
        with contextlib.closing(sqlite3.connect(place / "runs" / DATABASE)) as db:
            (findings,) = db.execute("PRAGMA integrity_check").fetchone()
        tally.check(findings == "ok", f"{where}: integrity_check says {findings}")
        with serving(place) as server:
            tally.check(server.store.notice == "", f"{where}: {server.store.notice}")
            left = {run_id: server.store.run(run_id).status for run_id in run_ids}
            statuses = ", ".join(left.values())
            tally.check(list(left.values())[2] == "queued", f"{where}: the runs are {statuses}")
            tally.check(
                set(left.values()) <= {"interrupted", "queued", "finished"}, f"{where}: the runs are {statuses}"
            )
            interrupted = [run_id for run_id, status in left.items() if status == "interrupted"]
            tally.count("interrupted", len(interrupted))
            asyncio.run(_resume(server.url, interrupted))
            wait_for(partial(have_ended, server.store, list(run_ids)), "the runs of a killed server")
            for run_id, name in run_ids.items():
                try:
                    equal = ending(server.store, run_id).equals(wholes[name])
                except RunError as error:
                    tally.faults.append(f"{where}: {name}: {error}")
                    continue
                tally.count("equal", int(equal))
                tally.check(equal, f"{where}: {name} is not as it would have been")
            tally.check("Traceback" not in server.log.read_text(), f"{where}: {server.tail()}")
        tally.tried += 1


async def _resume(url: str, run_ids: Sequence[str]) -> None:
    """Open these runs on Train and press Resume of each; without any, open the page, which starts the worker."""
    from bench.visitor import Visitor

    visitor = await Visitor.arrive(url, "train", f"run={','.join(run_ids)}" if run_ids else "")
    for run_id in run_ids:
        await visitor.press(f"live_run_{run_id}")
    await visitor.leave()


def told_to_end(tally: Tally, folder: Path) -> None:
    """SIGTERM at random moments to the dashboard, which trains two runs while a third waits."""
    chance, longest = random.Random(tally.seed), 0.0
    while tally.tried < tally.asked:
        place, where = folder / str(tally.tried), f"signal {tally.tried}"
        place.mkdir()
        with serving(place) as server:
            run_ids = [server.train(config_of(name, epochs=500)) for name in ("mlp", "gru", "cnn")]
            open_first_page(server.url)
            wait_for(partial(have_begun, server.store, run_ids[:2]), "two runs")
            time.sleep(chance.uniform(0, 0.5))
            began = time.monotonic()
            server.process.terminate()
            code = server.process.wait(2 * GRACE_SECONDS)
            seconds = time.monotonic() - began
            longest = max(longest, seconds)
            tally.check(code == 0 and seconds < GRACE_SECONDS, f"{where}: exit code {code} after {seconds:.1f} s")
            tally.check("Traceback" not in server.log.read_text(), f"{where}: {server.tail()}")
            check_let_go(tally, [server.store.run(run_id) for run_id in run_ids], where)
        tally.tried += 1
    tally.figures["longest_s"] = round(longest, 2)


def strangers(tally: Tally, folder: Path) -> None:
    """Sockets asked for from foreign places, uploads without a token, and addresses that lead out of the folder."""
    (folder / "outside.txt").write_text("secret")
    with serving(folder) as server:
        for name, headers, expected in _handshakes(server):
            status = _status(server, "GET", "/_stcore/stream", {**UPGRADE, **headers})[0]
            tally.tried += 1
            tally.count("handshakes")
            tally.check(status == expected, f"{name}: {status}, expected {expected}")
        status, _ = _status(server, "PUT", f"/_stcore/upload_file/{'0' * 32}/{'0' * 32}", {"Content-Length": "1"}, b"x")
        tally.tried += 1
        tally.check(status in (400, 403), f"an upload without a token: {status}")
        strings = [text for text in traversal_strings() if "\x00" not in text and len(text) < 4_000]
        for text in strings[: tally.asked - tally.tried]:
            for path in (f"/{quote(text, safe='/.%;')}", f"/lab/snapshot?view=runs&runs={quote(text)}"):
                status, body = _status(server, "GET", path, {"Host": _host(server)})
                leaks = b"root:" in body or b"secret" in body or b"SQLite format" in body or b"PATH=" in body
                tally.count("leaks", int(leaks))
                tally.check(not leaks and status < 500, f"{path[:80]}: {status}{', leaks' if leaks else ''}")
            tally.tried += 1
        tally.check("Traceback" not in server.log.read_text(), f"the server's log: {server.tail()}")


def _host(server: Server) -> str:
    return urlsplit(server.url).netloc


def _handshakes(server: Server) -> Iterator[tuple[str, dict[str, str], int]]:
    """What is asked, with which headers, and the answer."""
    host = _host(server)
    port = host.rpartition(":")[2]
    yield "the dashboard's own page", {"Host": host, "Origin": f"http://{host}"}, 101
    for origin in (
        "http://evil.example",
        "https://evil.example",
        "null",
        "file://",
        "http://localhost:1",  # another server of this machine
        f"http://evil.example:{port}",
        f"http://localhost.evil.example:{port}",
    ):
        yield f"origin {origin}", {"Host": host, "Origin": origin}, 403
    for name in (
        "evil.example",
        f"evil.example:{port}",
        "192.0.2.1",
        "169.254.169.254",
        f"localhost.evil.example:{port}",
    ):
        yield f"host {name}", {"Host": name, "Origin": f"http://{name}"}, 403


def _status(server: Server, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> tuple[int, bytes]:
    """Of one raw request, with its address as it is."""
    place = urlsplit(server.url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    try:
        connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, b"" if answer.status == 101 else answer.read(200_000)
    except (TimeoutError, http.client.HTTPException, ConnectionError) as error:
        return 0, str(error).encode()
    finally:
        connection.close()


def in_a_browser(tally: Tally, folder: Path) -> None:
    """Every page with hostile names in a real browser: nothing runs, nothing is asked of anywhere else, no dialog opens."""
    from playwright.sync_api import Dialog, Page, Request, sync_playwright

    from bench.moments import READY, SILENT, find_browser

    def visit(page: Page, address: str) -> None:
        page.goto(address)
        page.wait_for_selector(READY)
        page.wait_for_timeout(300)  # what an element does when it loads
        tally.tried += 1
        tally.check(not page.evaluate(ACTED), f"{address[:120]}: something of a name acts")

    with serving(folder) as server, sync_playwright() as playwright:
        runs, races = stored(server.store, HOSTILE)
        browser = playwright.chromium.launch(executable_path=find_browser(), args=list(SILENT))
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.set_default_timeout(BROWSER_TIMEOUT_MS)

        def note(request: Request) -> None:
            ours = urlsplit(request.url).hostname in ("localhost", "127.0.0.1") or request.url.startswith(
                ("data:", "blob:")
            )
            tally.count("requests")
            tally.check(ours, f"asked of {request.url[:100]}")

        def close(dialog: Dialog) -> None:
            tally.faults.append(f"a dialog: {dialog.message}")
            dialog.dismiss()

        page.on("request", note)
        page.on("dialog", close)
        addresses = [f"{server.url}/"] + [f"{server.url}/race?group={group}" for group in races]
        for at in range(0, len(runs), 4):
            ids = ",".join(runs[at : at + 4])
            addresses += [f"{server.url}/{name}?run={ids}" for name in ("train", "compare", "mistakes", "draw")]
        addresses += [
            f"{server.url}/{Path(path).parent.name}?" + "&".join(f"{key}={quote(name)}" for key in QUERIES)
            for name in HOSTILE for path in PAGES if PAGES[path]
        ]  # fmt: skip
        tally.asked = min(tally.asked, len(addresses))
        for address in addresses[: tally.asked]:
            visit(page, address)
        browser.close()
        tally.check("Traceback" not in server.log.read_text(), f"the server's log: {server.tail()}")


ROWS = (
    Row("server-kills", "kill -9 of the dashboard with two runs", killed, 9, 0, needs_killed),
    Row("server-sigterm", "SIGTERM of the dashboard with two runs", told_to_end, 10, 0, needs_visitor),
    Row("strangers", "foreign origins, hosts, uploads and addresses", strangers, 200, 0),
    Row("browser", "hostile names in a real browser", in_a_browser, 137, 0, needs_browser),
)
