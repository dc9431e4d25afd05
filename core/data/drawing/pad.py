"""The drawing pad's measures: a page that shows one asks for them before it needs anything else of a drawing."""

from __future__ import annotations

PAD_SIDE_PIXELS = 280  # side of the drawing pad, pixels
BRUSH_PIXELS = 20  # width of its brush, pixels
