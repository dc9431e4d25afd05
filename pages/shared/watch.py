"""The part of a page that moves while something trains: ``assets/watch.js``, and the two addresses that it asks.

The one place that gives the browser a component: its code is a file of this program, and what people wrote reaches it as
data, which it shows as text.
"""

from __future__ import annotations

import gzip
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

import streamlit as st

from core.errors import InputError
from pages.shared.axes import AXES
from pages.shared.live_state import Look, Wanted, at_hand, shared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from core.charts.axis import X

LOOK, LIBRARY = "lab/look", "lab/plotly.js"  # addresses, from the server's root
ASSETS = Path(__file__).parents[2] / "assets"
MOST_RUNS = 8  # as many as there are colours
POLL_MS = 1000  # ms between two looks of a browser
YEAR = 365 * 24 * 3600  # seconds


@cache
def _component() -> Callable[..., Any]:
    return cast(
        "Callable[..., Any]",
        st.components.v2.component(
            "watch", js=(ASSETS / "watch.js").read_text(encoding="utf-8"),
            css=(ASSETS / "watch.css").read_text(encoding="utf-8"), isolate_styles=False,
        ),
    )  # fmt: skip


def watch_card(look: Look, wanted: Wanted, run_id: str, key: str, *, live: bool, alone: bool = False) -> None:
    """How far a run or a comparison is, moving with it.

    alone: no chart beside it draws the page anew when the run begins or ends
    """
    told: dict[str, Any] = {"cards": {run_id: look["cards"][run_id]}}
    if alone:
        told["statuses"] = look["statuses"]
    _component()(
        key=key, on_changed_change=lambda: None, data={"run": run_id, "look": told, "live": live, **_asking(wanted)}
    )


def watch_charts(look: Look, wanted: Wanted, key: str, *, live: bool, bring: tuple[str, str] | None = None) -> None:
    """The curves of the runs, moving with them; draws the page anew when one of them begins or ends.

    bring: a run that was just started and the key of the container that the page is scrolled to for it, once
    """
    from core.charts.theme import CONFIG

    told = {name: value for name, value in look.items() if name != "cards"}
    _component()(
        key=key, on_changed_change=lambda: None,
        data={"look": told, "live": live, "library": library(), "config": dict(CONFIG), "bring": bring, **_asking(wanted)},
    )  # fmt: skip


def _asking(wanted: Wanted) -> dict[str, object]:
    return {"address": address(wanted), "every": POLL_MS}


@cache
def library() -> str:
    """Where the chart library is asked for, by its version: a browser keeps what it was given."""
    return f"{LIBRARY}?{version('plotly')}"


def address(wanted: Wanted) -> str:
    """Where the newest look is asked for."""
    if wanted.group:
        return f"{LOOK}?{urlencode({'group': wanted.group})}"
    return f"{LOOK}?{urlencode({'run': ','.join(wanted.runs), 'x': wanted.x, 'log': int(wanted.log_y)})}"


def asked_for(query: Mapping[str, str]) -> Wanted:
    """What ``address`` was made from. Raises ValueError when it was not."""
    if group := query.get("group", ""):
        return Wanted((), "epoch", log_y=False, group=group)
    runs, x = tuple(query.get("run", "").split(",")), query.get("x", "")
    if x not in AXES or not 1 <= len(runs) <= MOST_RUNS:
        raise ValueError("unknown axis, or no run, or too many")
    return Wanted(runs, cast("X", x), query.get("log") == "1")


def routes() -> list[Route]:
    """What the server answers beside Streamlit's own pages."""
    from starlette.routing import Route

    base = st.get_option("server.baseUrlPath") or ""
    root = f"/{base.strip('/')}/".replace("//", "/")
    return [Route(root + LOOK, _look), Route(root + LIBRARY, _library)]


async def _look(request: Request) -> Response:
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import Response

    if not _is_host_allowed(request.headers.get("host")):
        return Response("This host is not in server.allowedHosts.", 403)
    try:
        wanted = asked_for(request.query_params)
        text = at_hand(wanted) or await run_in_threadpool(shared, wanted)
    except (ValueError, InputError) as error:
        return Response(str(error), 404, media_type="text/plain", headers={"X-Content-Type-Options": "nosniff"})
    return Response(
        text, media_type="application/json", headers={"Cache-Control": "no-store", "Content-Encoding": "gzip"}
    )


async def _library(request: Request) -> Response:
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import Response

    return Response(
        await run_in_threadpool(_packed), media_type="text/javascript",
        headers={"Cache-Control": f"max-age={YEAR}, immutable", "Content-Encoding": "gzip"},
    )  # fmt: skip


@cache
def _packed() -> bytes:
    """Plotly as it is installed; packed once, for the server would pack five megabytes anew for everybody."""
    import plotly

    return gzip.compress((Path(plotly.__file__).parent / "package_data" / "plotly.min.js").read_bytes(), 6)


def _is_host_allowed(host: str | None) -> bool:
    """Streamlit's own rule for its own connections: a foreign page may not ask through a rebound name."""
    from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

    return bool(is_host_allowed(host))
