"""A page of text, tables and pictures, written as one HTML file and as one Markdown file that need nothing else.

What a ``Block`` holds may be anybody's text: it is escaped here, for either form. Only ``Prose`` is read as Markdown, and only
the part of it that the lessons' files use: paragraphs, lists, tables, bold and slanted words, and links. On paper a link is its
words alone.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+\-!|~$:&])")  # of Markdown
_BOLD, _SLANTED = re.compile(r"\*\*(.+?)\*\*"), re.compile(r"\*(\S.*?)\*")
_LINK = re.compile(r"\[([^\]]+)\]\([^)\s]+\)")
# A4 with margins for a printer that can not reach the edge; on a screen as wide as on paper. Nothing is loaded from anywhere.
STYLE = """
@page { size: A4; margin: 13mm 15mm; }
* { box-sizing: border-box; }
body { font: 10pt/1.35 "Helvetica Neue", Arial, "Liberation Sans", sans-serif; color: #1f2328; background: #fff; margin: 0; }
main { max-width: 180mm; margin: 0 auto; padding: 6mm 4mm; }
h1 { font-size: 17pt; line-height: 1.2; margin: 0 0 2mm; }
h2 { font-size: 11.5pt; margin: 3mm 0 1mm; break-after: avoid; }
p, ul { margin: 0 0 1.5mm; }
ul { padding-left: 5mm; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.6mm 4mm; margin: 0 0 1.5mm; }
dt { color: #59636e; } dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin: 0 0 1.5mm; font-size: 9pt; break-inside: avoid; }
th, td { text-align: left; padding: 0.4mm 2mm; border-bottom: 0.2mm solid #d1d9e0; vertical-align: top; }
td { overflow-wrap: break-word; }
th { color: #59636e; font-weight: 600; }
figure { margin: 0 0 1.5mm; break-inside: avoid; text-align: center; }
figure img { max-width: 100%; max-height: 70mm; }
.small { color: #59636e; font-size: 8.5pt; }
.write { border: 0.3mm solid #9aa4ae; border-radius: 1mm; height: 22mm; padding: 1mm 2mm; color: #59636e; break-inside: avoid; }
@media print { main { padding: 0; max-width: none; } }
"""


@dataclass(frozen=True, slots=True)
class Heading:
    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph. is_small: what explains the one before it"""

    text: str
    is_small: bool = False


@dataclass(frozen=True, slots=True)
class Prose:
    """Markdown of ours, without a heading."""

    markdown: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Terms and what belongs to each."""

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Table:
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Image:
    """alt: the picture in a sentence"""

    svg: bytes
    png: bytes
    alt: str


@dataclass(frozen=True, slots=True)
class WriteHere:
    """An empty box on paper. text: what to write into it"""

    text: str


Block = Heading | Text | Prose | Facts | Table | Image | WriteHere


def as_html(title: str, blocks: Sequence[Block]) -> str:
    """A whole HTML file; its policy lets a browser load nothing but the pictures in it."""
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    body = "\n".join(_html(block) for block in blocks)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{html.escape(title)}</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{html.escape(title)}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


def as_markdown(title: str, blocks: Sequence[Block]) -> str:
    """The same as Markdown, the pictures in it as PNG."""
    return "\n\n".join([f"# {_escaped(title)}", *(_markdown(block) for block in blocks)]) + "\n"


def _html(block: Block) -> str:
    match block:
        case Heading(text):
            return f"<h2>{html.escape(text)}</h2>"
        case Text(text, is_small):
            kind = ' class="small"' if is_small else ""
            return f"<p{kind}>{html.escape(text)}</p>"
        case Prose(markdown):
            return _prose(markdown)
        case Facts(rows):
            return f"<dl>{''.join(f'<dt>{html.escape(term)}</dt><dd>{html.escape(text)}</dd>' for term, text in rows)}</dl>"
        case Table(head, rows):
            return _table([html.escape(cell) for cell in head], [[html.escape(cell) for cell in row] for row in rows])
        case Image(svg, _, alt):
            return f'<figure><img alt="{html.escape(alt)}" src="{_inline(svg, "image/svg+xml")}"></figure>'
        case WriteHere(text):
            return f'<div class="write">{html.escape(text)}</div>'


def _markdown(block: Block) -> str:
    match block:
        case Heading(text):
            return f"## {_escaped(text)}"
        case Text(text):
            return _escaped(text)
        case Prose(markdown):
            return markdown
        case Facts(rows):
            return "\n".join(f"- **{_escaped(term)}:** {_escaped(text)}" for term, text in rows)
        case Table(head, rows):
            lines = [head, ["---"] * len(head), *rows]
            cells = [[cell if cell == "---" else _escaped(cell) for cell in line] for line in lines]
            return "\n".join(f"| {' | '.join(line)} |" for line in cells)
        case Image(_, png, alt):
            return f"![{_escaped(alt)}]({_inline(png, 'image/png')})"
        case WriteHere(text):
            return f"**{_escaped(text)}**"


def _prose(markdown: str) -> str:
    """Paragraphs, lists, tables, bold and slanted words as HTML, links as their words; every other mark stays what it is."""
    parts = []
    for part in re.split(r"\n\s*\n", markdown.strip()):
        lines = part.splitlines()
        if lines[0].startswith("|"):
            head, _, *rows = [[_marked(cell.strip()) for cell in line.strip().strip("|").split("|")] for line in lines]
            parts.append(_table(head, rows))
        elif lines[0].startswith("- "):
            items = [" ".join(item.split()) for item in part.removeprefix("- ").split("\n- ")]
            parts.append(f"<ul>{''.join(f'<li>{_marked(item)}</li>' for item in items)}</ul>")
        else:
            parts.append(f"<p>{_marked(' '.join(part.split()))}</p>")
    return "\n".join(parts)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """head, rows: as HTML"""
    cells = "".join(f"<th>{cell}</th>" for cell in head)
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table>"


def _marked(text: str) -> str:
    bold = _BOLD.sub(r"<strong>\1</strong>", html.escape(_LINK.sub(r"\1", text)))
    return _SLANTED.sub(r"<em>\1</em>", bold)


def _escaped(text: str) -> str:
    """As one line that Markdown leaves alone."""
    line = _MARKS.sub(r"\\\1", " ".join(text.split()))
    return re.sub(r"^(\d+)\.", r"\1\\.", line)


def _inline(content: bytes, mime: str) -> str:
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"
