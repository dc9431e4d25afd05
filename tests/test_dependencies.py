"""Nothing is imported that is only there because another package asked for it."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXTRAS = ("requirements-onnx.txt", "requirements-ray.txt")


@pytest.mark.parametrize(
    ("sources", "lists"),
    [
        (("core", "pages", "streamlit_app.py"), ("requirements.txt", *EXTRAS)),
        (
            ("tests", "bench"),
            ("requirements.txt", *EXTRAS, "requirements-dev.txt", "bench/requirements.txt"),
        ),
    ],
    ids=["product", "tests and benches"],
)
def test_every_import_is_declared(sources: tuple[str, ...], lists: tuple[str, ...]) -> None:
    declared = {name for file in lists for name in names((ROOT / file).read_text(encoding="utf-8"))}
    files = [
        path for source in sources for path in ((ROOT / source).rglob("*.py") if "." not in source else [ROOT / source])
    ]
    own = {"core", "pages", "tests", "bench", *(path.stem for path in files if path.is_relative_to(ROOT / "tests"))}
    imported = {module for path in files for module in top_levels(path)} - set(sys.stdlib_module_names) - own
    distributions = packages_distributions()
    missing = sorted(
        module for module in imported if not {plain(name) for name in distributions.get(module, [module])} & declared
    )
    assert not missing, (
        f"{', '.join(missing)}: imported in {', '.join(sources)}, but not declared in {' or '.join(lists)}"
    )


def names(requirements: str) -> list[str]:
    """The distributions that a requirements file names."""
    return [plain(name) for name in re.findall(r"^[A-Za-z0-9][\w.-]*", requirements, re.MULTILINE)]


def plain(name: str) -> str:
    """As PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def top_levels(path: Path) -> set[str]:
    """The first part of every module that a file imports, wherever in the file the import stands."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules.add(node.module.split(".")[0])
    return modules


def test_the_lock_file_holds_every_requirement_within_its_range_and_names_no_index() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text
    locked: dict[str, set[tuple[int, ...]]] = {}
    for name, version in re.findall(r"^([\w.-]+)==(\d+(?:\.\d+)*)", text, re.MULTILINE):
        locked.setdefault(plain(name), set()).add(numbers(version))
    ranges = re.findall(
        r"^([\w.-]+)>=([0-9.]+),<([0-9.]+)$", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(ranges) == len(names((ROOT / "requirements.txt").read_text(encoding="utf-8")))
    for name, low, high in ranges:
        versions = locked.get(plain(name), set())
        assert versions, f"{name} is not in requirements.lock"
        assert all(numbers(low) <= version < numbers(high) for version in versions), name


def numbers(version: str) -> tuple[int, ...]:
    """ "2.15.0" as (2, 15, 0)."""
    return tuple(int(part) for part in version.split("."))
