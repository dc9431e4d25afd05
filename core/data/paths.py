"""Where data files and runs lie, and the one way that files are written: whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from core.errors import DataError

CHECKOUT = Path(__file__).resolve().parents[2]
# pip puts them inside the package; a checkout has none at that place.
INSTALLED_ASSETS = Path(__file__).resolve().parents[1] / "assets"


def assets_root() -> Path:
    """The folder of what comes with the program: ``assets/`` of a checkout, or of the package that pip installed."""
    return INSTALLED_ASSETS if INSTALLED_ASSETS.is_dir() else CHECKOUT / "assets"


def data_root() -> Path:
    """The folder that holds ``mnist/`` and ``kaggle/``: $DIGIT_LAB_DATA, else ``data/`` in the checkout, or in ``digit-lab``
    in the user's home where pip installed the program. Raises DataError as ``folder_from`` does."""
    return folder_from("DIGIT_LAB_DATA", _home() / "data")


def runs_root() -> Path:
    """Where runs are kept: $DIGIT_LAB_RUNS, else ``runs/`` beside ``data/``. Raises DataError as ``folder_from`` does."""
    return folder_from("DIGIT_LAB_RUNS", _home() / "runs")


def folder_from(variable: str, default: Path) -> Path:
    """The folder that a variable of the environment names, else the default. Raises DataError when it begins with ``~`` and
    nobody's home is meant."""
    folder = os.environ.get(variable)
    try:
        return Path(folder).expanduser() if folder else default
    except RuntimeError:
        raise DataError(f"{variable} is {folder!r}, and there is no home of that name on this machine") from None


def _home() -> Path:
    return Path.home() / "digit-lab" if INSTALLED_ASSETS.is_dir() else CHECKOUT


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file so that a reader, or a crash at any moment, finds the old file or the new one and never a part.

    Makes the folder if need be. Raises DataError when the disk refuses.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
        if os.name == "posix":  # the new name itself is durable only once its folder is
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as error:
        raise DataError(f"{path.name} can not be saved: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
