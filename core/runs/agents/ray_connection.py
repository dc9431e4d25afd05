"""Joining a Ray cluster, and saying in a sentence why that can not be."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from core.errors import InputError

INSTALL = 'pip install "digit-lab[ray]" (in a checkout: pip install -r requirements-ray.txt)'
ANSWER_SECONDS = 3.0  # in which the head of a cluster has to answer
HEAD_SECONDS = 30.0  # in which it has to answer as one to another process, most of which loading Ray there may take
RPC_SECONDS = 3  # of those, for each of three steps: to connect, to connect for news, and to answer
HTTP2_SETTINGS = 4  # the kind of the first frame that a gRPC server sends; its place in the frame is the fourth byte
SOMETHING_ELSE = (
    "No Ray cluster at {}: what listens there is something else. --ray takes the address that `ray start --head` shows, "
    "HOST:PORT with a port of 6379 unless another was set"
)


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
        _check_is_head(address)
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
        raise InputError(SOMETHING_ELSE.format(address))


def _check_is_head(address: str) -> None:
    """Raises InputError where what listens speaks as Ray does and is no head of a cluster. Asked by another process, which Ray
    may end: in this one it would try for a minute or two."""
    command = [
        sys.executable, "-m", "ray.scripts.scripts", "health-check", f"--address={address}", "--skip-version-check",
    ]  # fmt: skip
    limits = {"RAY_py_gcs_connect_timeout_s": RPC_SECONDS, "RAY_gcs_rpc_server_connect_timeout_s": RPC_SECONDS}
    environment = os.environ | {name: str(seconds) for name, seconds in limits.items()}
    try:
        subprocess.run(  # noqa: S603 - Ray's own command
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=HEAD_SECONDS, check=True
        )
    except subprocess.SubprocessError:
        raise InputError(SOMETHING_ELSE.format(address)) from None
