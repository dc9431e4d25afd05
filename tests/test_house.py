"""The house stands as drawn: who may know whom, what is never imported, and no door left open. One test per rule."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = sorted((ROOT / "core").rglob("*.py"))
PAGES = sorted((ROOT / "pages").rglob("*.py"))
SOURCES = [*CORE, *PAGES, ROOT / "streamlit_app.py"]

# From the ground up: a room may know the rooms on the floors below it, and none beside it.
FLOORS = (
    {"core.errors"},
    {"core.fields"},
    {"core.data", "core.models", "core.charts"},
    {"core.config"},
    {"core.machine"},
    {"core.engine", "core.analysis", "core.inspect"},
    {"core.runs"},
    {"core.compare", "core.experiments"},
    {"core.export"},
    {"core.cli"},
)
# Figures are made of frames and arrays; of the house they know what a split is called, and nothing else.
KNOW_ONLY = {"core.charts": {"core.fields"}}
# What hands HTML to the browser, none of it a person's.
MARKUP = {"pages.learn.home.prefetch", "pages.shared.probability_bars"}

MOST_LINES = 320
MAX_PAGE_LINES = 100  # of a page.py, which reads like its screen; what it shows stands beside it


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> set[str]:
    """Every module that a file names in an import, wherever in the file it stands; what is taken from it, too."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return modules


def room_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


def page_of(module: str) -> str:
    """ "pages.lab.train" of any module in that page's folder, "" of a shared one."""
    parts = module.split(".")
    return ".".join(parts[:3]) if parts[0] == "pages" and len(parts) > 3 and parts[1] in ("learn", "lab") else ""


def test_a_room_knows_only_what_is_below_it() -> None:
    floor_of = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
    wrong = []
    for path in CORE:
        room = room_of(name_of(path))
        if path.name == "__main__.py" or room == "core":
            continue
        assert room in floor_of, f"{room} has no place in the house"
        for module in imports(path):
            other = room_of(module)
            below = floor_of.get(other, -1) < floor_of[room] and other in KNOW_ONLY.get(room, floor_of)
            if module.startswith("core.") and other in floor_of and other != room and not below:
                wrong.append(f"{name_of(path)} imports {module}")
    assert not wrong


def test_the_core_knows_no_screen_and_unpickles_nothing() -> None:
    forbidden = {"streamlit", "pickle", "joblib", "marshal", "shelve", "dill"}
    assert not [
        f"{name_of(path)}: {module}" for path in CORE for module in imports(path) if module.split(".")[0] in forbidden
    ]


def test_no_circle_of_imports() -> None:
    modules = {name_of(path): imports(path) for path in SOURCES}
    done: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " -> ".join((*above[above.index(module) :], module))
        if module not in done:
            for imported in sorted(modules[module] & modules.keys()):
                if not module.startswith(f"{imported}.") and module != imported:  # a package and what stands in it
                    visit(imported, (*above, module))
            done.add(module)

    for module in modules:
        visit(module, ())


def test_a_page_never_imports_another_page() -> None:
    wrong = []
    for path in PAGES:
        page = page_of(name_of(path))
        for module in imports(path):
            if module.startswith("pages.") and page_of(module) not in ("", page):
                wrong.append(f"{name_of(path)} imports {module}")
    assert not wrong


def test_a_part_with_one_user_stands_with_that_user() -> None:
    """What stands in pages/shared is used by two pages or more, or by the frame around all of them."""
    modules = {name_of(path): imports(path) for path in SOURCES if path.name != "__init__.py"}
    users: dict[str, set[str]] = defaultdict(set)
    for module, imported in modules.items():
        for shared in imported & {name for name in modules if name.startswith("pages.shared.")}:
            users[shared].add(module)

    def pages_that_use(shared: str, seen: frozenset[str] = frozenset()) -> set[str]:
        pages: set[str] = set()
        for user in users[shared] - seen:
            if user.startswith("pages.shared."):
                pages |= pages_that_use(user, seen | {shared})
            else:
                pages.add(page_of(user) or user)
        return pages

    lonely = {
        name: sorted(pages)
        for name in modules
        if name.startswith("pages.shared.") and len(pages := pages_that_use(name)) < 2 and pages != {"streamlit_app"}
    }
    assert not lonely


def test_no_markup_no_evaluation_and_no_swallowed_errors() -> None:
    doors = r"unsafe_allow_html|torch\.load\(|allow_pickle|yaml\.load|(?<![\w.])eval\(|(?<![\w.])exec\("
    swallowed = r"except( Exception)?:\s*(#.*)?\n\s*pass\b"
    for path in SOURCES:
        text, name = path.read_text(encoding="utf-8"), name_of(path)
        assert not re.search(doors, text), name
        assert not re.search(swallowed, text), name
        assert len(re.findall(r"\.html\(", text)) == (name in MARKUP), name
        assert "allow_javascript" not in text or name == "pages.learn.home.prefetch", name
        assert not re.search(r"\.(dataframe|data_editor)\(", text) or name == "pages.shared.tables", name
        assert "st.fragment" not in text or name == "pages.shared.busy", f"{name}: a fragment without a guard"
        assert "components.v2" not in text or name == "pages.shared.component", name


def test_a_key_starts_something_only_where_a_form_was_filled_in() -> None:
    with_shortcut = {page_of(name_of(path)) for path in PAGES if "shortcut=" in path.read_text(encoding="utf-8")}
    assert with_shortcut == {"pages.lab.train", "pages.lab.race"}


def test_a_reader_can_know_a_room() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert not {name: lines for name, lines in lengths.items() if lines > MOST_LINES}
    pages = {name: lines for name, lines in lengths.items() if name.endswith(".page")}
    assert not {name: lines for name, lines in pages.items() if lines > MAX_PAGE_LINES}


def test_no_module_of_the_core_holds_mutable_state() -> None:
    """What one caller changed, every other would see. A table at module level is declared as a Mapping, which mypy lets
    nobody write to; what a call makes there is of a kind that nobody can change; ``global`` is never said."""
    literals = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
    frozen = {
        "MappingProxyType",
        "frozenset",
        "tuple",
        "re.compile",
        "TypeVar",
        "Kind",
        "Point",
        "timedelta",
        "math.log",
        "fewest_seeds",
        "_Some",
    }
    wrong = []
    for path in CORE:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        wrong += [f"{name_of(path)}: global" for node in ast.walk(tree) if isinstance(node, ast.Global)]
        for node in tree.body:
            if not isinstance(node, (ast.Assign, ast.AnnAssign)) or "__all__" in ast.unparse(node):
                continue
            declared = ast.unparse(node.annotation) if isinstance(node, ast.AnnAssign) else ""
            called = ast.unparse(node.value.func) if isinstance(node.value, ast.Call) else ""
            table = isinstance(node.value, literals) and not declared.startswith("Mapping")
            if table or (called and called not in frozen):
                wrong.append(f"{name_of(path)}: {ast.unparse(node)[:40]}")
    assert not wrong


def test_what_needs_no_torch_does_not_wait_for_it() -> None:
    """A page that lists runs and the command line's help load no torch; charts and analysis never do."""
    rooms = {"core.charts", "core.analysis"}
    assert not [name_of(path) for path in CORE if room_of(name_of(path)) in rooms and "torch" in imports(path)]
    light = ["core.data", "core.config", "core.engine.events", "core.runs.store", "core.cli.app"]
    light += ["core.experiments.presets", "core.experiments.baselines", "core.compare.plan", "core.compare.differences"]
    light += ["core.experiments.lessons", "core.experiments.reveals", "core.experiments.pictures", "core.runs.guesses"]
    light += [name_of(path) for path in CORE if room_of(name_of(path)) in rooms]
    code = f"import sys, {', '.join(light)}; sys.exit(' '.join({{'torch', 'streamlit'}} & set(sys.modules)) or 0)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (loaded.returncode, loaded.stderr.strip()) == (0, "")


def test_every_address_has_its_door() -> None:
    """Streamlit asks for ``pages/<address>.py`` as long as nobody has opened the dashboard; see pages/shared/deep_link.py."""
    frame = (ROOT / "streamlit_app.py").read_text(encoding="utf-8")
    addresses = re.findall(r'_page\("\w+", "(\w+)"', frame)
    doors = {path.stem for path in (ROOT / "pages").glob("*.py")} - {"__init__"}
    assert doors == set(addresses)


def test_nothing_names_this_machine() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not tracked:
        pytest.skip("not a git checkout")
    needle = str(ROOT.parent) + "/"
    texts = [ROOT / name for name in tracked if not name.endswith((".png", ".gz", ".xz", ".safetensors"))]
    assert not [
        path for path in texts if path.is_file() and needle in path.read_text(encoding="utf-8", errors="ignore")
    ]
