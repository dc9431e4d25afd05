"""Code of ours in the browser: a component is a script and a style sheet of this program, ``assets/<name>.js`` and ``.css``.

The one place that gives the browser a component. What people wrote reaches it as data, which it shows as text.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Callable

ASSETS = Path(__file__).parents[2] / "assets"


@cache
def component(name: str) -> Callable[..., Any]:
    """What puts the component of that name on a page. Its styles hold for the whole page."""
    return cast(
        "Callable[..., Any]",
        st.components.v2.component(
            name, js=(ASSETS / f"{name}.js").read_text(encoding="utf-8"),
            css=(ASSETS / f"{name}.css").read_text(encoding="utf-8"), isolate_styles=False,
        ),
    )  # fmt: skip
