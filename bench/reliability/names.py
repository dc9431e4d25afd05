"""Rows about words of others: what people call their runs and write into addresses stands on every page as plain text."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bench.reliability.card import Row, Tally
from bench.reliability.children import can_fork, fork
from core import data
from core.compare import kinds
from core.compare.plan import Question
from core.config import run_config
from core.errors import ConfigError
from core.runs.groups import create_group
from core.runs.rows import check_name
from core.runs.store import Store
from core.runs.worker import drive

APP = Path(__file__).parents[2] / "streamlit_app.py"
RUNS_A_VISIT = 4
HOSTILE = (
    "<script>window.wasRun=1</script>", "<img src=x onerror=window.wasRun=1>", "![x](http://192.0.2.1/p.png)",
    "[click](javascript:window.wasRun=1)", "<a href='javascript:window.wasRun=1'>x</a>", "**bold** _it_ `code`",
    "$\\alpha^2$ and $$x$$", ":red[red] :material/delete:", "# heading", "- item <b>b</b>", "| a | b |", "> quote <i>i</i>",
    "</div></body><svg onload=window.wasRun=1>", "<iframe src='//192.0.2.1'></iframe>", "http://192.0.2.1/<x>",
    "www.evil.example:80", "=HYPERLINK(1)", "{{7*7}} ${7*7} #{7*7}", "%{x}<extra>e</extra>", "'; DROP TABLE runs; --",
    '" onmouseover="window.wasRun=1',
    "@SUM(1+1)", "+1+1", "-2+3", "&lt;b&gt;", "\\*not\\*", "<math><mi>x</mi></math>", "<style>*{display:none}</style>",
    "[x]: http://192.0.2.1", "<details open ontoggle=window.wasRun=1>", "~~gone~~", "a@evil.example <a>", ":smile: <u>u</u>",
    "<object data='//192.0.2.1'>",
)  # fmt: skip
REFUSED = ("a\u202eb", "a\u2066b", "a\x00b", "a\x1bb", "a\u200bb", "a\u200fb", "a\nb", "a\x7fb", "a\ue000b")
MARK = re.compile(r"[^\w\s\"'=.;]")  # a name without one is plain text, also where Markdown is read
MISTAKES, MISTAKES_VIEWS = "pages/lab/mistakes/page.py", ("sure", "suspects")
PAGES: Mapping[str, str] = MappingProxyType({
    "pages/learn/home/page.py": "", "pages/lab/train/page.py": "run", "pages/lab/compare/page.py": "run",
    MISTAKES: "run", "pages/lab/draw/page.py": "run", "pages/lab/race/page.py": "group",
})  # fmt: skip
QUERIES = ("run", "group", "like", "view", "architecture", "dataset", "epochs", "a", "b")
# What the browser makes Markdown of, by the names of Streamlit's messages and their fields; all else is shown as it is.
MARKDOWN = frozenset({"body", "label", "help", "caption", "captions", "delta", "content", "title", "options", "text"})
Acts = Callable[[str], bool]
READ_ALOUD = ("alt", "meta")  # of a chart: attributes, which hold no markup
PLAIN = frozenset({"Text", "Code", "Json", ("Selectbox", "options"), ("MultiSelect", "options")})


def names(tally: Tally, folder: Path) -> None:
    """Runs and races with hostile names, tags and notes, and the same words in addresses, on every page."""
    result = folder / "result.json"

    def visit() -> None:
        result.write_text(json.dumps(_visit(folder / "runs", HOSTILE[: tally.asked])))

    child = fork(visit, folder / "said")
    if tally.check(child.wait() == 0, f"exit code {child.code}, {child.complaint()}"):
        visits, texts, seen, faults = json.loads(result.read_text())
        tally.faults += faults
        tally.tried = len(seen)
        tally.check(len(seen) == tally.asked, f"only {len(seen)} of {tally.asked} names were seen on any page")
        tally.figures |= {"page_visits": visits, "texts": texts}
    for name in REFUSED:
        try:
            check_name(name)
            tally.faults.append(f"the name {name!r} is taken")
        except ConfigError:
            tally.count("names_refused")


def _never(name: str) -> bool:
    return False


def _is_element(name: str) -> bool:
    return "<" in name


def _visit(root: Path, hostile: Sequence[str]) -> tuple[int, int, list[str], list[str]]:
    """Visits, texts looked at, names seen as plain text, faults."""
    from streamlit.testing.v1 import AppTest

    from pages.shared import services
    from pages.shared.markdown import escape_markdown

    os.environ["DIGIT_LAB_RUNS"] = str(root)
    services.warm_up = lambda: None  # type: ignore[assignment]
    runs, races = stored(services.store(), hostile)
    visits, texts, seen, faults = 0, 0, set[str](), list[str]()
    asked = [{"run": ",".join(runs[at : at + RUNS_A_VISIT])} for at in range(0, len(runs), RUNS_A_VISIT)]
    plain = [{page: query} for query in asked for page in PAGES if PAGES[page] == "run"]
    plain += [{MISTAKES: {**query, "view": view}} for query in asked for view in MISTAKES_VIEWS]
    plain += [{"pages/lab/race/page.py": {"group": group}} for group in races] + [{"pages/learn/home/page.py": {}}]
    odd = [
        {page: dict.fromkeys(QUERIES, hostile[number % len(hostile)])}
        for number, page in enumerate(PAGES)
        if PAGES[page]
    ]
    for visit in plain + odd:
        for page, query in visit.items():
            at = AppTest.from_file(str(APP), default_timeout=120).run()
            if PAGES[page]:
                at.switch_page(page)
            for name, value in query.items():
                at.query_params[name] = value
            at.run()
            visits += 1
            faults += [f"{page} {query!r:.80}: {error.value}" for error in at.exception]
            for acts, text in _texts(at):
                texts += 1
                names_shown = [name for name in hostile if name in text]
                seen.update(names_shown)
                faults += [
                    f"{page}: {name!r} stands as markup in {text!r:.120}" for name in names_shown
                    if acts(name) and MARK.search(name) and name in _without(escape_markdown(name), name, text)
                ]  # fmt: skip
                seen.update(name for name in hostile if name in text.replace("\\", "").replace("\u2060", ""))
    return visits, texts, sorted(seen), faults


def _without(escaped: str, name: str, text: str) -> str:
    """A text without the escaped forms of a name, in some of which the name stands as it is; a form that is equal to the name
    is not escaped."""
    return text if escaped == name else text.replace(escaped, "")


def stored(store: Store, hostile: Sequence[str]) -> tuple[list[str], list[str]]:
    """Ended runs with these names, and races with some of them: ids of both."""
    dataset, runs, races = data.load("digits"), list[str](), list[str]()
    small = {"dataset": "digits", "n_train": 60, "epochs": 1}
    for seed, name in enumerate(hostile):
        run_id = store.create(run_config("softmax", small | {"seed": seed}), name=name, request="pause")
        drive(store, run_id, lambda _: dataset)
        store.annotate(run_id, tags=[name[:24]], notes=name)
        runs.append(run_id)
    for name in hostile[:: max(1, len(hostile) // 4)]:
        contestants = tuple(run_config(architecture, small) for architecture in ("softmax", "mlp"))
        plan = kinds.plan(Question("race", contestants, (0,), name=name), n_images=len(dataset.train_labels))
        group_id, members = create_group(store, plan.runs, name=name, kind=plan.kind, plan=plan.kept, request="pause")
        for member in members:
            drive(store, member, lambda _: dataset)
        races.append(group_id)
    return runs, races


def _texts(at: Any) -> Iterator[tuple[Acts, str]]:
    """Every text of a page, and which names would act in it."""
    for block in (at.main, at.sidebar):
        yield from _texts_of(block)


def _texts_of(node: Any) -> Iterator[tuple[Acts, str]]:
    proto = getattr(node, "proto", None)
    if proto is not None:
        yield from _strings(proto)
    for child in getattr(node, "children", {}).values():
        yield from _texts_of(child)


def _strings(message: Any) -> Iterator[tuple[Acts, str]]:
    kind = message.DESCRIPTOR.name
    for field, value in message.ListFields():
        values = value if hasattr(value, "append") or hasattr(value, "add") else [value]
        for part in values:
            if hasattr(part, "ListFields"):
                yield from _strings(part)
            elif isinstance(part, str) and kind == "PlotlyChart" and field.name == "spec":
                yield from _of_chart(json.loads(part))
            elif isinstance(part, str) and kind == "BidiComponent" and field.name == "json":
                yield from _of_chart(json.loads(part or "{}").get("snapshot", {}).get("charts", {}))
            elif isinstance(part, str):
                is_plain = field.name not in MARKDOWN or bool({kind, (kind, field.name)} & PLAIN)
                yield (_never if is_plain else bool), part


def _of_chart(values: Any) -> Iterator[tuple[Acts, str]]:
    """Texts of a figure; the chart library makes elements of those with a "<"."""
    if isinstance(values, str):
        yield _is_element, values
    elif isinstance(values, dict):
        for key, value in values.items():
            yield from _of_chart(value) if key not in READ_ALOUD else ((_never, str(value)),)
    elif isinstance(values, list):
        for value in values:
            yield from _of_chart(value)


ROWS = (Row("names", "hostile names on every page", names, len(HOSTILE), 8, can_fork),)
