"""The server ends like a program, whatever its threads are doing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ENDS_WHILE_COMPUTING = """
import asyncio
import threading

import torch

from pages.shared import services

computing = threading.Event()


def compute():
    weight = torch.randn(64, 64, requires_grad=True)
    while True:
        (weight @ weight).sum().backward()
        computing.set()


async def serve():
    async with services.serving(None):
        services.worker()
        for _ in range(4):
            threading.Thread(target=compute, daemon=True).start()
        computing.wait()


asyncio.run(serve())
raise SystemExit("the process outlived its server")
"""


def test_a_server_that_ends_while_a_script_computes_ends_without_a_crash(tmp_path: Path) -> None:
    """Streamlit's scripts and the warm-up run in threads that nobody waits for, and most of their time is torch's."""
    root = Path(__file__).parents[2]
    env = {**os.environ, "DIGIT_LAB_RUNS": str(tmp_path), "PYTHONPATH": str(root)}
    ended = subprocess.run(
        [sys.executable, "-c", ENDS_WHILE_COMPUTING], env=env, cwd=root, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    assert "terminate" not in ended.stderr
