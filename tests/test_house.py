"""The house stands as drawn: who may know whom, what is never imported, and no door left open."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = sorted((ROOT / "core").rglob("*.py"))
PAGES = sorted((ROOT / "pages").rglob("*.py"))

# The only files that hand HTML to the browser, each in one place: what they make it from comes from no person.
MARKUP = {"pages.parts.ahead", "pages.parts.bars"}

# Each room, and the rooms below it that it may know.
GROUND = {"core.errors", "core.fields"}
FLOORS: dict[str, set[str]] = {
    "core.errors": set(),
    "core.fields": {"core.errors"},
    "core.charts": set(),
    "core.data": GROUND,
    "core.models": GROUND,
    "core.config": {*GROUND, "core.data.config", "core.models"},
    "core.recipes": set(),
    "core.presets": {*GROUND, "core.models", "core.config", "core.recipes"},
    "core.engine": {*GROUND, "core.data", "core.models", "core.config"},
    "core.runs": {*GROUND, "core.data", "core.models", "core.config", "core.engine"},
    "core.analysis": {*GROUND, "core.charts", "core.data", "core.models", "core.config", "core.engine"},
    "core.budgets": {*GROUND, "core.data", "core.models", "core.config", "core.engine", "core.analysis"},
    "core.fair": {*GROUND, "core.models", "core.config", "core.analysis"},
    "core.races": {
        *GROUND,
        "core.data",
        "core.models",
        "core.config",
        "core.runs",
        "core.analysis",
        "core.budgets",
        "core.fair",
    },
    "core.baselines": {*GROUND, "core.data", "core.engine", "core.analysis"},
    "core.standings": {*GROUND, "core.models", "core.config", "core.runs", "core.analysis"},
    "core.outcomes": {*GROUND, "core.engine", "core.runs", "core.analysis", "core.standings"},
    "core.console": {*GROUND, "core.data", "core.engine", "core.runs"},
    "core.comparing": {
        *GROUND,
        "core.console",
        "core.data",
        "core.models",
        "core.config",
        "core.engine",
        "core.runs",
        "core.analysis",
        "core.budgets",
        "core.races",
        "core.outcomes",
    },
    "core.flags": {*GROUND, "core.models", "core.config", "core.presets"},
    "core.finding": {*GROUND, "core.console", "core.flags", "core.data", "core.models", "core.config", "core.engine"},
    "core.reference": {*GROUND, "core.data", "core.config", "core.presets", "core.engine", "core.runs"},
    "core.__main__": {"core"},
}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> set[str]:
    """Every module that a file names in an import, wherever in the file it stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room_of(module: str) -> str:
    return max((room for room in FLOORS if module == room or module.startswith(room + ".")), key=len, default=module)


def inside(module: str, rooms: set[str]) -> bool:
    return any(module == room or module.startswith(room + ".") for room in rooms)


@pytest.mark.parametrize("path", [path for path in CORE if name_of(path) != "core"], ids=name_of)
def test_a_room_knows_only_itself_and_what_is_below(path: Path) -> None:
    room = room_of(name_of(path))
    assert room in FLOORS, f"{room} has no place in the house"
    allowed = {room, *FLOORS[room]}
    up = {module for module in imports(path) if module.startswith("core.") and not inside(module, allowed)}
    assert not up


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_the_core_knows_no_screen_and_unpickles_nothing(path: Path) -> None:
    strangers = {module.split(".")[0] for module in imports(path)}
    assert not strangers & {"streamlit", "streamlit_drawable_canvas", "pickle", "joblib", "marshal", "shelve", "dill"}


@pytest.mark.parametrize("path", [*CORE, *PAGES, ROOT / "streamlit_app.py"], ids=name_of)
def test_no_markup_no_evaluation_and_no_swallowed_errors(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    doors = r"unsafe_allow_html|torch\.load\(|allow_pickle|yaml\.load|(?<![\w.])eval\(|(?<![\w.])exec\("
    assert not re.search(doors, text)
    assert len(re.findall(r"\.html\(", text)) == (name_of(path) in MARKUP)
    assert "allow_javascript" not in text or name_of(path) == "pages.parts.ahead"
    assert "components.v2" not in text or name_of(path) == "pages.parts.watch"
    assert not re.search(r"except( Exception)?:\s*(#.*)?\n\s*pass\b", text)


@pytest.mark.parametrize("path", [*CORE, *PAGES], ids=name_of)
def test_a_reader_can_know_a_room(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 320


@pytest.mark.parametrize(
    "module", ["core.charts.curves", "core.charts.confusion", "core.analysis.metrics", "core.engine.events", "core.runs.store",
               "core.data", "core.config", "core.presets", "core.races", "core.analysis.differences", "core.baselines",
               "core.__main__", "core.analysis.statistics",
               "core.analysis.verdicts", "core.analysis.pairs", "core.analysis.learned"],
)  # fmt: skip
def test_what_needs_no_torch_does_not_wait_for_it(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules or 'streamlit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_every_address_has_its_door() -> None:
    """Streamlit asks for ``pages/<address>.py`` as long as nobody has opened the dashboard; see pages/parts/door.py."""
    listed = re.findall(
        r'st\.Page\("pages/\w+/(\w+)\.py"[^)]*\)', (ROOT / "streamlit_app.py").read_text(encoding="utf-8")
    )
    doors = {path.stem for path in (ROOT / "pages").glob("*.py")} - {"__init__"}
    assert doors == set(listed) - {"home"}


def test_nothing_names_this_machine() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not tracked:
        pytest.skip("not a git checkout")
    needle = str(ROOT.parent) + "/"
    texts = [ROOT / name for name in tracked if not name.endswith((".png", ".gz", ".safetensors"))]
    assert not [
        path for path in texts if path.is_file() and needle in path.read_text(encoding="utf-8", errors="ignore")
    ]
