"""Figures for a report: the curves are in them, every text is text, and the caption counts."""

from __future__ import annotations

from xml.etree import ElementTree

from core.charts.curves import Line, curves_figure
from core.charts.figure import Figure, scatter
from core.charts.looks import PATTERNS, REPEAT_SYMBOLS, TONES, Look
from core.export.picture import SYMBOLS, picture
from core.export.source import Source
from core.export.targets import export

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: bytes) -> list[str]:
    return ["".join(node.itertext()) for node in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_a_run_becomes_a_figure_whose_caption_counts(source: Source) -> None:
    made = export("figure", source)
    svg, png = made.files
    assert (svg.name, png.name) == (f"curves-{source.run.run_id}.svg", f"curves-{source.run.run_id}.png")
    assert png.content.startswith(b"\x89PNG\r\n\x1a\n")
    lines = texts(svg.content)
    assert source.run.name in lines
    assert {"Loss (nats per image)", "Accuracy (%)", "validation", "training, while learning"} <= set(lines)
    caption, started = str(made.figures["caption"]), source.run.started
    for words in (
        f"validation on {started['n_val']:,} images", f"training on {started['n_train']:,} images",
        f"of {source.run.summary['n_test']:,} test images", "One training, seed 0.",
    ):  # fmt: skip
        assert words in caption
        assert words in " ".join(lines), "the picture itself says so"
    assert export("figure", source) == made


def test_lines_are_told_apart_and_nobodys_words_are_markup(source: Source) -> None:
    history = export_history(source)
    names = ["<script>a</script> $x^2$ & é", "b"]
    looks = [Look("#0380d4", "circle", ""), Look("#f3540c", "x-thin-open", "/")]
    lines = [Line(name, look, history) for name, look in zip(names, looks, strict=True)]
    svg = picture([curves_figure(lines).built()], "<b>", "&amp; $y$").svg
    assert set(names) | {"<b>", "&amp; $y$"} <= set(texts(svg))
    assert b"<script" not in svg
    assert svg.count(b"stroke-dasharray") >= 2, "training is dotted"
    for look in looks:
        assert look.colour.encode() in svg


def export_history(source: Source) -> object:
    from core.analysis.history import frame

    return frame(event for _, event in source.store.history(source.run.run_id))


def test_every_marker_and_an_area_are_drawn() -> None:
    """A look of every kind, beside an area: what can not be drawn raises."""
    assert PATTERNS
    figure = Figure()
    for symbol in (*(tone.symbol for tones in TONES.values() for tone in tones), *REPEAT_SYMBOLS):
        assert symbol.removesuffix("-open") in SYMBOLS
        figure.add_trace(
            scatter(x=[1, 2], y=[1, 2], name=symbol, line={"color": "#000000"},
                    marker={"symbol": symbol, "color": "#000000", "size": 6})
        )  # fmt: skip
    figure.add_trace(
        scatter(
            x=[1, 2, 2], y=[1, 1, 2], fill="toself", fillcolor="rgba(1, 2, 3, 0.5)", line={"width": 0}, mode="lines"
        )
    )
    assert b"#010203" in picture([figure.built()], "", "").svg
