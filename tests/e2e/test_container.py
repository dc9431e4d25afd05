"""The Dockerfile without Docker: what it copies is all that the dashboard needs, and its commands do what they say.

Not tried here: its base image, and downloading from the indexes that it names.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
import websockets.sync.client
from dashboard import ROOT
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection
from websockets.typing import Origin

pytestmark = [pytest.mark.alone, pytest.mark.slow, pytest.mark.timeout(180)]

START_SECONDS = 60  # as its health check allows
HOST = "digits.school.example"
CODESPACE = "https://ada-1-8501.app.github.dev"  # the address bar of a Codespace; its proxy asks for localhost


def instructions() -> list[tuple[str, str]]:
    """(name, what follows it) of every instruction, in order."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n", " ", text).splitlines()
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in lines if line.strip())]


def argument(name: str) -> str:
    """Of the only instruction of that name."""
    (rest,) = [rest for instruction, rest in instructions() if instruction == name]
    return rest


def environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in shlex.split(argument("ENV")))


def copied() -> list[str]:
    """What it takes from the checkout, each to a place of the same name."""
    pairs = [shlex.split(rest) for name, rest in instructions() if name == "COPY"]
    assert all(pair[-1] in ("./", pair[0]) for pair in pairs)
    return [source for pair in pairs for source in pair[:-1]]


def test_every_path_that_it_copies_is_there_and_goes_into_the_build() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    let_in = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert "*" in ignored
    assert let_in == set(copied())
    assert all((ROOT / path).exists() for path in let_in)


def test_it_ends_as_a_user_without_rights_and_keeps_what_counts_in_volumes() -> None:
    names = [name for name, _ in instructions()]
    assert names.index("USER") > max(place for place, name in enumerate(names) if name in ("RUN", "COPY"))
    user = argument("USER")
    made = next(rest for name, rest in instructions() if name == "RUN" and "useradd" in rest)
    assert re.search(rf"useradd .*--uid 1000 {user} ", made)
    volumes = json.loads(argument("VOLUME"))
    assert {environment()["DIGIT_LAB_DATA"], environment()["DIGIT_LAB_RUNS"]} == set(volumes)
    assert f"chown {user}:{user} {' '.join(volumes)}" in made


@pytest.mark.parametrize("index", ["https://index.example/cpu", ""])
def test_torch_comes_from_its_own_index_and_everything_at_the_locked_version(index: str, tmp_path: Path) -> None:
    """Its RUN instruction with a pip that only writes down what it was asked for."""
    for name in ("requirements.txt", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    pip = tmp_path / "pip"
    pip.write_text('#!/bin/sh\necho "$@" >> asked\n')
    pip.chmod(0o755)
    command = next(rest for name, rest in instructions() if name == "RUN" and "pip install" in rest)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "TORCH_INDEX": index}
    subprocess.run(["sh", "-c", command], cwd=tmp_path, env=env, check=True)
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked.pop() == "install --no-cache-dir -r requirements.txt -c requirements.lock"
    locked = dict(
        re.findall(r"^(torch|torchvision)==([0-9.]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    )
    of_torch = (
        f"install --no-cache-dir --index-url {index} torch=={locked['torch']} torchvision=={locked['torchvision']}"
    )
    assert asked == ([of_torch] if index else [])


@pytest.mark.parametrize("base_path", ["", "/lab"])
def test_what_it_copies_starts_is_healthy_and_ends(base_path: str, tmp_path: Path) -> None:
    for path in copied():
        copy = shutil.copytree if (ROOT / path).is_dir() else shutil.copy
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / path, tmp_path / path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | environment()
    env |= {name: str(tmp_path / env[name].strip("/")) for name in ("DIGIT_LAB_DATA", "DIGIT_LAB_RUNS")}
    env |= {"STREAMLIT_SERVER_PORT": str(port), "STREAMLIT_SERVER_BASE_URL_PATH": base_path}
    env["STREAMLIT_SERVER_ALLOWED_HOSTS"] += f" {HOST}"
    env["STREAMLIT_SERVER_CORS_ALLOWED_ORIGINS"] = CODESPACE
    health = command(argument("HEALTHCHECK").split("CMD ", 1)[1])
    assert not is_healthy(health, env)
    log = tmp_path / "log"
    with log.open("w") as sink:
        server = subprocess.Popen(
            command(argument("CMD")), cwd=tmp_path, env=env, stdout=sink, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not is_healthy(health, env):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.5)
        for host, origin in ((HOST, ""), ("localhost", CODESPACE)):
            with connect(host, port, base_path, origin):
                pass
        for host, origin in (("other.example", ""), ("localhost", "https://other.example")):
            with pytest.raises(InvalidStatus, match="403"):
                connect(host, port, base_path, origin)
        with pytest.raises(HTTPError, match="404"):  # it looked for it in the store
            urlopen(f"http://127.0.0.1:{port}{base_path}/lab/snapshot?view=runs&runs=ffffffff")
        assert (tmp_path / "runs" / "runs.sqlite3").is_file()
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=15) == 0
    assert not re.search("Traceback|Other machines can reach", log.read_text()), log.read_text()


def command(words: str) -> list[str]:
    """An instruction in its exec form, with this interpreter."""
    program, *rest = json.loads(words)
    assert program == "python"
    return [sys.executable, *rest]


def is_healthy(health: list[str], env: Mapping[str, str]) -> bool:
    return subprocess.run(health, env=env, capture_output=True, check=False).returncode == 0


def connect(host: str, port: int, base_path: str, origin: str = "") -> ClientConnection:
    """A socket to this machine that asks for this host, from a page of this origin; default: from a page of the host."""
    line = socket.create_connection(("127.0.0.1", port))
    page = Origin(origin or f"http://{host}:{port}")
    return websockets.sync.client.connect(f"ws://{host}:{port}{base_path}/_stcore/stream", sock=line, origin=page)


def test_compose_and_codespaces_set_only_what_the_image_reads(tmp_path: Path) -> None:
    compose = (ROOT / "compose.yaml").read_text("utf-8")
    variables = set(re.findall(r"^      ([A-Z_]+):", compose, re.MULTILINE))
    assert variables
    assert variables <= environment().keys()
    volumes = set(re.findall(r"^      - \w+:(/\w+)$", compose, re.MULTILINE))
    assert volumes == set(json.loads(argument("VOLUME")))
    assert f':{argument("EXPOSE")}"' in compose

    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8"))
    assert container["postCreateCommand"].split()[1] in (ROOT / "Makefile").read_text("utf-8").replace(
        "$(VENV)", ".venv"
    )
    make = tmp_path / "make"
    make.write_text('#!/bin/sh\necho "$@ $STREAMLIT_SERVER_CORS_ALLOWED_ORIGINS"\n')
    make.chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "CODESPACE_NAME": "ada-1"}
    words = subprocess.run(
        ["sh", "-c", container["postAttachCommand"]], env=env, capture_output=True, text=True, check=True
    )
    assert words.stdout.strip() == f"run {CODESPACE}"
