"""Files named by the SHA-256 of what is in them: ``<root>/artefacts/ab/abcdef….safetensors``.

A file appears under its name complete and durable or not at all, and a reader checks the name against the content, so a
damaged file is noticed instead of loaded. Which files are wanted is said by rows of the store; ``put``, ``remove`` and
``collect`` are called while the store's write lock is held, which is why an unfinished file found there belongs to nobody.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from core.engine.events import Arrays
from core.errors import RunError

_SHA = re.compile(r"[0-9a-f]{64}")
_KEY = "digit-lab"


def pack(metadata: Mapping[str, Any], arrays: Arrays) -> bytes:
    """Plain values and arrays of any shape as the bytes of a safetensors file; the same input gives the same bytes."""
    # safetensors writes the memory of a transposed array as it lies, without a word: C order is asked for here.
    ordered = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    return bytes(save(ordered, {_KEY: json.dumps(metadata, allow_nan=False, sort_keys=True)}))


def unpack(content: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """``(metadata, arrays)`` as they were packed. Raises RunError when these bytes are not such a file."""
    try:
        arrays = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        return json.loads(header["__metadata__"][_KEY]), arrays
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"This is not a Digit Lab weights file ({type(error).__name__}).") from None


def put(root: Path, content: bytes) -> str:
    """Make the content durable and return its SHA-256 (64 hex digits). Raises OSError."""
    sha = hashlib.sha256(content).hexdigest()
    path = place(root, sha)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not _is_whole(path, sha):
        temporary = path.with_suffix(".tmp")
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
    # A name is durable once its folder is; the folder may be new itself.
    _sync_folder(path.parent)
    _sync_folder(path.parent.parent)
    return sha


def get(root: Path, sha: str) -> bytes:
    """The content behind a name. Raises RunError when it is missing or damaged, OSError when it can not be read."""
    try:
        content = place(root, sha).read_bytes()
    except FileNotFoundError:
        raise RunError("The saved weights of this run are missing: their file was removed.") from None
    if hashlib.sha256(content).hexdigest() != sha:
        raise RunError("The saved weights of this run are damaged: their file was changed after it was written.")
    return content


def remove(root: Path, sha: str) -> None:
    """Delete a file that no row names any more. Raises OSError."""
    place(root, sha).unlink(missing_ok=True)


def collect(root: Path, keep: Set[str]) -> int:
    """Delete every file that is not in ``keep``, unfinished ones too; returns how many went. Raises OSError."""
    names = {f"{sha}.safetensors" for sha in keep}
    unwanted = [path for path in (root / "artefacts").glob("*/*") if path.name not in names]
    for path in unwanted:
        path.unlink(missing_ok=True)
    return len(unwanted)


def place(root: Path, sha: str) -> Path:
    if not _SHA.fullmatch(sha):
        raise RunError("The saved weights of this run have no valid name.")
    return root / "artefacts" / sha[:2] / f"{sha}.safetensors"


def _is_whole(path: Path, sha: str) -> bool:
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == sha


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":  # elsewhere a folder can not be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
