"""A figure in the making: plain values that are checked once, at the end.

Plotly's own figures check everything anew at each change of their layout; a chart that is changed six times then takes five
times as long as one that is handed over whole, and a page draws up to a dozen of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.basedatatypes import BasePlotlyType

Trace = dict[str, Any]  # as Plotly writes it down


class Drawn(go.Figure):  # type: ignore[misc]
    """A figure that is whole: its plain values are worked out once, however many visitors are shown it."""

    _plain: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The figure as plain values, which nobody changes."""
        if self._plain is None:
            self._plain = super().to_dict()
        return self._plain


def scatter(**values: Any) -> Trace:
    """Points or a line, with the names of ``plotly.graph_objects.Scatter``, which checks them only when the figure is built."""
    return {"type": "scatter", **values}


class Figure:
    """Traces and a layout, with the names of the methods that ``plotly.graph_objects.Figure`` has for them."""

    def __init__(self, *traces: Any) -> None:
        self._traces: list[Any] = list(traces)
        self._layout: dict[str, Any] = {"xaxis": {}, "yaxis": {}}

    def add_trace(self, trace: Any) -> None:
        """Draw one more trace above those that are there."""
        self._traces.append(trace)

    def add_annotation(self, **values: Any) -> None:
        """Write something into the figure."""
        self._layout["annotations"] = [*self._layout.get("annotations", ()), values]

    def add_shape(self, **values: Any) -> None:
        """Draw a line or an area that belongs to no trace."""
        self._layout["shapes"] = [*self._layout.get("shapes", ()), values]

    def update_layout(self, **values: Any) -> None:
        """Set what is given, at any depth, and leave the rest."""
        self._layout = _merged(self._layout, values)

    def update_xaxes(self, values: Mapping[str, Any] | None = None, **more: Any) -> None:
        """The same for the one x-axis."""
        self.update_layout(xaxis={**(values or {}), **more})

    def update_yaxes(self, values: Mapping[str, Any] | None = None, **more: Any) -> None:
        """The same for the one y-axis."""
        self.update_layout(yaxis={**(values or {}), **more})

    def built(self) -> go.Figure:
        """The figure. Raises ValueError for a name or a value that Plotly does not know."""
        return Drawn(self._traces, self._layout)

    def plain(self) -> dict[str, Any]:
        """The figure as JSON knows it, unchecked; what is not a number is None."""
        found: dict[str, Any] = _plain({"data": self._traces, "layout": self._layout})
        return found


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.to_plotly_json() if isinstance(value, BasePlotlyType) else value


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        name: _merged(old[name], value) if isinstance(old.get(name), Mapping) and isinstance(value, Mapping) else value
        for name, value in new.items()
    }
    return {**old, **both}
