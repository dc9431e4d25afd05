"""The part of a page that moves while something trains: ``assets/watch.js``, and the two addresses that it asks."""

from __future__ import annotations

import asyncio
import gzip
import time
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast, get_args
from urllib.parse import urlencode

import streamlit as st

from core.errors import InputError
from core.runs.schema import StorageError
from pages.shared.axes import AXES
from pages.shared.component import component
from pages.shared.live_state import Snapshot, View, Wanted, at_hand, current, newest
from pages.shared.pace import HOLD_BACK_SECONDS, pace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from core.charts.axis import X

SNAPSHOT, LIBRARY = "lab/snapshot", "lab/plotly.js"  # addresses, from the server's root
MOST_RUNS = 8  # more lines than that hide each other
MOST_COMPARED = 10  # runs that one chart can hold apart by colour and marker
POLL_MS = 1000  # ms between two questions of a browser
MARK = "mark"  # in the address: what tells one visitor from another (``pages/shared/pace.py``)
TABLE_POLL_MS = 2000  # the same for a table, which a script of the page draws
RETRY_AFTER_SECONDS = 2  # for which whoever asked too often is to ask nothing
YEAR_SECONDS = 365 * 24 * 3600
GUARDED = MappingProxyType({  # on every answer: it is data, to be shown by no frame and to load nothing
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
})  # fmt: skip


def watch_card(
    snapshot: Snapshot, wanted: Wanted, card_id: str, key: str, *, live: bool, reruns_page: bool = False
) -> None:
    """How far a run or a comparison is, moving with it.

    card_id: of the run or the comparison · reruns_page: this card itself asks for a rerun when a status changes
    """
    part: dict[str, Any] = {"cards": {card_id: snapshot["cards"][card_id]}}
    if reruns_page:
        part["statuses"] = snapshot["statuses"]
    _mount(key, wanted, part, live=live, run=card_id)


def watch_charts(
    snapshot: Snapshot, wanted: Wanted, key: str, *, live: bool, scroll_to: tuple[str, str] | None = None
) -> None:
    """The curves of the runs, moving with them; asks for a rerun when one of them begins or ends.

    scroll_to: a run that was just started and the key of the container that the page is scrolled to for it, once
    """
    from core.charts.theme import CONFIG

    part = {name: value for name, value in snapshot.items() if name != "cards"}
    _mount(key, wanted, part, live=live, library=library(), config=dict(CONFIG), scroll_to=scroll_to)


def watch_table(run_ids: Sequence[str], key: str) -> None:
    """Shows nothing; asks for a rerun of the fragment around it, which draws a table, when an epoch ends, a run begins, ends
    or goes away.

    run_ids: those of the table, () for all runs
    """
    wanted = Wanted("epochs", tuple(run_ids))
    _mount(key, wanted, current(wanted), live=True, every=TABLE_POLL_MS)


def watch_start(buttons: str, words: str, key: str) -> None:
    """Shows nothing; says these words the moment one of the buttons is pressed, until the page's script has run.

    buttons: a CSS selector
    """
    component("watch")(key=key, data={"starts": {buttons: words}})


def _mount(key: str, wanted: Wanted, snapshot: Snapshot, **data: object) -> None:
    mark = st.session_state.setdefault("watch_mark", pace().mark())
    data = {"address": f"{address(wanted)}&{urlencode({MARK: mark})}", "every": POLL_MS, "snapshot": snapshot, **data}
    component("watch")(key=key, on_changed_change=lambda: None, data=data)


@cache
def library() -> str:
    """Where the chart library is asked for, by its version: a browser keeps what it was given."""
    return f"{LIBRARY}?{version('plotly')}"


def address(wanted: Wanted) -> str:
    """Where the newest snapshot is asked for: every field that is not at its default."""
    defaults = Wanted._field_defaults
    fields = {name: value for name, value in wanted._asdict().items() if value != defaults.get(name)}
    if wanted.runs:
        fields["runs"] = ",".join(wanted.runs)
    return f"{SNAPSHOT}?{urlencode(fields)}"


def parse_address(query: Mapping[str, str]) -> Wanted:
    """What ``address`` was made from. Raises ValueError when it was not."""
    view, x, smoothing = query.get("view", ""), query.get("x", "epoch"), float(query.get("smoothing", "0"))
    runs = tuple(filter(None, query.get("runs", "").split(",")))
    if view not in get_args(View) or x not in AXES or not 0 <= smoothing < 1:
        raise ValueError("unknown view or axis, or a smoothing that is not in [0, 1)")
    if len(runs) > MOST_COMPARED or (view in ("runs", "lesson", "overlay") and not runs):
        raise ValueError("no run, or too many")
    log_y = query.get("log_y") == "True"
    return Wanted(cast("View", view), runs, cast("X", x), log_y, smoothing, query.get("group", ""))


def routes() -> list[Route]:
    """What the server answers beside Streamlit's own pages."""
    from starlette.routing import Route

    base = st.get_option("server.baseUrlPath") or ""
    root = f"/{base.strip('/')}/".replace("//", "/")
    return [Route(root + SNAPSHOT, _answer), Route(root + LIBRARY, _library)]


async def _answer(request: Request) -> Response:
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import Response

    if not _is_host_allowed(request.headers.get("host")):
        return Response("This host is not in server.allowedHosts.", 403, headers=GUARDED)
    address = request.client.host if request.client else ""
    mark, limits = request.query_params.get(MARK, ""), pace()
    if not limits.may_ask(mark, address):
        await asyncio.sleep(HOLD_BACK_SECONDS)
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS), **GUARDED}
        return Response("Asked too often.", 429, media_type="text/plain", headers=headers)
    try:
        wanted = parse_address(request.query_params)
        text = at_hand(wanted)
        if text is None:
            text, seconds = await run_in_threadpool(_timed, wanted)
            limits.charge(mark, address, seconds)
    except StorageError as error:  # busy or full, which is not the same as gone
        return Response(str(error), 503, media_type="text/plain", headers=GUARDED)
    except (ValueError, InputError) as error:
        return Response(str(error), 404, media_type="text/plain", headers=GUARDED)
    headers = {"Cache-Control": "no-store", "Content-Encoding": "gzip", **GUARDED}
    return Response(text, media_type="application/json", headers=headers)


def _timed(wanted: Wanted) -> tuple[bytes, float]:
    """The newest snapshot, and the seconds of computing that it took."""
    began = time.thread_time()
    return newest(wanted), time.thread_time() - began


async def _library(request: Request) -> Response:
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import Response

    return Response(
        await run_in_threadpool(_compressed_library), media_type="text/javascript",
        headers={"Cache-Control": f"max-age={YEAR_SECONDS}, immutable", "Content-Encoding": "gzip", **GUARDED},
    )  # fmt: skip


@cache
def _compressed_library() -> bytes:
    """Plotly as it is installed; compressed once, for the server would compress five megabytes anew for everybody."""
    import plotly

    return gzip.compress((Path(plotly.__file__).parent / "package_data" / "plotly.min.js").read_bytes(), 6)


def _is_host_allowed(host: str | None) -> bool:
    """Streamlit's own rule for its own connections: a foreign page may not ask through a rebound name."""
    from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

    return bool(is_host_allowed(host))
