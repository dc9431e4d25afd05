"""A figure in the making: plain values that are checked once, at the end.

Plotly's own figures check everything anew at each change of their layout; a chart that is changed six times then takes five
times as long as one that is handed over whole, and a page draws up to a dozen of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

Trace = dict[str, Any]  # as Plotly writes it down


class WholeFigure(go.Figure):  # type: ignore[misc]
    """A figure that is whole: its plain values are worked out once, however many visitors are shown it."""

    _values: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The figure as plain values, which nobody changes."""
        if self._values is None:
            self._values = super().to_dict()
        return self._values


def with_ink(figure: go.Figure, colour: str) -> go.Figure:
    """The same figure with its words in this colour: those within the plot that have none of their own, the numbers along its
    axes, and their titles. The figure itself stays."""
    values, font = figure.to_dict(), {"color": colour}
    axis = {"tickfont": font, "title": {"font": font}}
    other = WholeFigure()
    other._values = {**values, "layout": _merged(values["layout"], {"font": font, "xaxis": axis, "yaxis": axis})}
    return other


def scatter(**values: Any) -> Trace:
    """Points or a line, with the names of ``plotly.graph_objects.Scatter``, which checks them only when the figure is built."""
    return {"type": "scatter", **values}


def legend_entry(**values: Any) -> Trace:
    """A scatter trace without points: it stands in the legend and says what a line or a marker means."""
    return scatter(x=[None], y=[None], hoverinfo="skip", **values)


def bar(**values: Any) -> Trace:
    """Bars, with the names of ``plotly.graph_objects.Bar``; checked as those of ``scatter`` are."""
    return {"type": "bar", **values}


class Figure:
    """Traces and a layout, with the names of the methods that ``plotly.graph_objects.Figure`` has for them.

    is_empty: whether it says in a sentence why nothing is drawn, so that nothing is to be drawn
    """

    is_empty = False

    def __init__(self, *traces: Trace) -> None:
        self._traces: list[Trace] = list(traces)
        self._layout: dict[str, Any] = {"xaxis": {}, "yaxis": {}}

    def add_trace(self, trace: Trace) -> None:
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

    @property
    def layout(self) -> Mapping[str, Any]:
        """Everything but the traces."""
        return self._layout

    @property
    def traces(self) -> Sequence[Trace]:
        """What is drawn so far, the lowest first."""
        return self._traces

    def above(self, traces: Sequence[Trace]) -> Figure:
        """Another figure: these traces, and above them all that is in this one."""
        figure = Figure(*traces, *self._traces)
        figure._layout = self._layout
        return figure

    def extent(self, axis: Literal["x", "y"]) -> tuple[float, float] | None:
        """The lowest and the highest number that is drawn along an axis so far; None without any."""
        return extent_of(self._traces, axis)

    def built(self) -> go.Figure:
        """The figure. Raises ValueError for a name or a value that Plotly does not know."""
        return WholeFigure(self._traces, self._layout)

    def as_json(self) -> dict[str, Any]:
        """The figure as JSON knows it, unchecked; what is not a number is None."""
        values: dict[str, Any] = as_json({"data": self._traces, "layout": self._layout})
        return values


def extent_of(traces: Sequence[Trace], axis: Literal["x", "y"]) -> tuple[float, float] | None:
    """The lowest and the highest number that these traces draw along an axis; None without any."""
    values = np.concatenate([np.empty(0), *(np.asarray(trace[axis], np.float64) for trace in traces)])
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else None


def as_json(value: Any) -> Any:
    """A value as JSON knows it: arrays are lists, and what is not a number is None."""
    if isinstance(value, Mapping):
        return {name: as_json(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(part) for part in value]
    if isinstance(value, np.ndarray):
        is_finite = value.dtype.kind in "biuf" and np.isfinite(value).all()
        return value.tolist() if is_finite else as_json(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        name: _merged(old[name], value) if isinstance(old.get(name), Mapping) and isinstance(value, Mapping) else value
        for name, value in new.items()
    }
    return {**old, **both}
