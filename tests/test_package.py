"""What pip installs: the library with what it needs to read, the command line, and nothing beside the user's own home."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
CODE = """
import json
from core.__main__ import main
from core.data.own_digits import own_digits
from core.data.paths import data_root, runs_root
from core.runs.manifest import versions
from core.runs.shipped import open_store
print(json.dumps([str(data_root()), str(runs_root()), versions()["digit-lab"], len(own_digits()), len(open_store().runs())]))
"""


def test_an_installed_library_finds_what_comes_with_it_and_writes_into_the_home(tmp_path: Path) -> None:
    """Laid out as pyproject.toml says, away from the checkout, and asked by another process."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    version, site = settings["project"]["version"], tmp_path / "site"
    wheel = settings["tool"]["hatch"]["build"]["targets"]["wheel"]
    for source, target in [(name, name) for name in wheel["packages"]] + list(wheel["force-include"].items()):
        copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
        (site / target).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / source, site / target)
    facts = site / f"digit_lab-{version}.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.4\nName: digit-lab\nVersion: {version}\n")
    env = {name: value for name, value in os.environ.items() if not name.startswith("DIGIT_LAB_")}
    env |= {"HOME": str(tmp_path / "home"), "PYTHONPATH": str(site)}
    answer = subprocess.run(
        [sys.executable, "-c", CODE], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    home, shipped = tmp_path / "home" / "digit-lab", len(list((ROOT / "assets" / "reference_runs").rglob("*.json")))
    assert json.loads(answer.stdout) == [str(home / "data"), str(home / "runs"), version, 5, shipped]
    assert settings["project"]["scripts"] == {"digit-lab": "core.__main__:main"}
