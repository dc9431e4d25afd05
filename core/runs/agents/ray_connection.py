"""Joining a Ray cluster, and saying in a sentence why that can not be."""

from __future__ import annotations

import logging
import os
import socket
from pathlib import Path
from typing import Any

from core.errors import InputError

INSTALL = 'pip install "digit-lab[ray]" (in a checkout: pip install -r requirements-ray.txt)'
ANSWER_SECONDS = 3.0  # in which the head of a cluster has to answer
HTTP2_SETTINGS = 4  # the kind of the first frame that a gRPC server sends; its place in the frame is the fourth byte


def connected(address: str) -> Any:
    """The module ``ray``, connected to a cluster. Raises InputError."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is told to anybody
    os.environ["RAY_ENABLE_AUTO_CONNECT"] = "0"  # who has left the cluster does not come back by asking a question
    try:
        import ray
    except ImportError:
        raise InputError(f"Ray is not installed: {INSTALL}") from None
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS") or address
    if address.startswith("ray://"):
        raise InputError(
            f"{address} is Ray's client, through which no events come: let this machine join the cluster "
            "(ray start --address=HOST:6379 --num-cpus=0), and say --ray auto"
        )
    core = Path(__file__).parents[2]
    try:
        if address == "auto":  # the cluster that this machine has joined, which may be gone since
            address = ray._private.services.canonicalize_bootstrap_address(address)
        _check_answers(address)
        ray.init(
            address, log_to_driver=False, logging_level=logging.ERROR,
            runtime_env={"py_modules": [str(core)], "excludes": ["assets"]},
        )  # fmt: skip
    except (ConnectionError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        raise InputError(f"No Ray cluster at {address}: {' '.join(str(error).split())}") from None
    return ray


def _check_answers(address: str) -> None:
    """Raises InputError where no head of a cluster listens: Ray itself tries for two minutes, and then ends the process."""
    host, _, port = address.rpartition(":")
    if not (host and port.isascii() and port.isdigit() and 0 < int(port) < 2**16):
        raise InputError(f"--ray is {address[:80]!r}, expected auto or HOST:PORT, such as 127.0.0.1:6379")
    if os.environ.get("RAY_USE_TLS", "0") != "0":
        return  # such a head waits for the other side to begin
    try:
        with socket.create_connection((host.strip("[]"), int(port)), ANSWER_SECONDS) as connection:
            connection.settimeout(ANSWER_SECONDS)
            frame = connection.recv(4)
    except (OSError, UnicodeError) as error:
        raise InputError(f"No Ray cluster at {address}: {error}") from None
    if frame[3:] != bytes([HTTP2_SETTINGS]):
        raise InputError(f"No Ray cluster at {address}: what listens there is something else")
