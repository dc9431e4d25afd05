"""Rows of damaged files and wild values: refused with one sentence, or read exactly as they say."""

from __future__ import annotations

import contextlib
import functools
import gzip
import hashlib
import io
import itertools
import math
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.reliability.card import Row, Tally
from bench.reliability.mutants import csv_bytes, csv_rows, idx_bytes, mutants
from core import models
from core.config import all_settings, run_config
from core.data import drawn, idx, kaggle
from core.data.strokes import rasterise
from core.errors import InputError
from core.fields import Setting
from core.machine.device import preflight
from core.runs import artefacts

ANY_BYTE = bytes(range(256))
RUN_ID = re.compile(r"([0-9a-f]{6,32})?")  # of a run, or how it begins; none
SEVEN = [[[0, 0], [10, 0], [4, 15]]]
FOREIGN = ("GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO", "TGA", "PCX", "SGI", "DIB", "PDF", "EPS")


def attempt(tally: Tally, what: str, read: Callable[..., Any], *arguments: Any) -> Any:
    """What reading gives, None when it was refused with one sentence; any other exception is noted as a fault."""
    tally.tried += 1
    try:
        value = read(*arguments)
    except InputError as error:
        tally.count("refused")
        sentence = str(error)
        tally.check(bool(sentence) and "\n" not in sentence, f"{what}: refused with {sentence!r}")
        return None
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        tally.count("other_exceptions")
        tally.faults.append(f"{what}: {type(error).__name__}: {error}")
        return None
    tally.count("accepted")
    return value


def accepted(tally: Tally, holds: bool, sentence: str) -> None:
    """Note something that ought to have been refused, or was read as something else."""
    if not tally.check(holds, sentence):
        tally.count("wrong_accepts")


def idx_files(tally: Tally, folder: Path) -> None:
    """Mutants of image and label files, packed and unpacked."""
    tally.figures |= dict.fromkeys(("accepted", "refused", "wrong_accepts", "other_exceptions"), 0)
    rng = np.random.default_rng(tally.seed)
    images, labels = rng.integers(0, 256, (2, 28, 28), np.uint8), rng.integers(0, 10, 12, np.uint8)
    part = -(-tally.asked // 4)
    for number, (values, pack) in enumerate(itertools.product((images, labels), (bytes, gzip.compress))):
        whole, expect = idx_bytes(values), values.shape[1:]
        for at, mutant in enumerate(mutants(pack(whole), part, ANY_BYTE, tally.seed + number)):
            what = f"IDX kind {number}, mutant {at}"
            read = attempt(tally, what, functools.partial(idx.parse_idx, expect=expect), mutant, "file")
            if read is None:
                continue
            if pack is gzip.compress:  # a flag or a time stamp in gzip's own header was hit
                accepted(tally, np.array_equal(read, values), f"{what}: other values from a damaged file")
            else:
                accepted(tally, idx_bytes(read) == mutant, f"{what}: not what the file holds")
                same = idx.payload_sha256(read) == hashlib.sha256(whole).hexdigest()
                accepted(tally, same == (mutant == whole), f"{what}: its hash does not tell it from the true one")
            accepted(tally, len(expect) > 0 or read.max() <= 9, f"{what}: label {read.max()}")
    _check_both_happen(tally)


def csv_files(tally: Tally, folder: Path) -> None:
    """Mutants of a Kaggle file: accepted exactly when they follow the rule, and then read exactly."""
    tally.figures |= dict.fromkeys(("accepted", "refused", "wrong_accepts", "other_exceptions"), 0)
    rng = np.random.default_rng(tally.seed)
    images = rng.integers(0, 256, (3, 28, 28), np.uint8) * (rng.random((3, 28, 28)) < 0.2).astype(np.uint8)
    header, first, rest = csv_bytes(images, np.arange(3)).split(b"\n", 2)
    alphabet = b'0123456789,,;\n\r. -"e\x00\xff'
    for at, mutant in enumerate(mutants(first + b"\n" + rest, tally.asked, alphabet, tally.seed)):
        data = (header if at % 20 else header[: at % 997] + header[at % 997 + 1 :]) + b"\n" + mutant
        true = csv_rows(data)
        read = attempt(tally, f"CSV mutant {at}", kaggle.read_train_csv, data)
        if read is None:
            tally.check(true is None, f"CSV mutant {at}: a file that follows the rule is refused")
            continue
        rows = np.column_stack((read[1], read[0].reshape(len(read[1]), -1))).tolist()
        accepted(tally, rows == true, f"CSV mutant {at}: not what the file says")
    _check_both_happen(tally)


def _check_both_happen(tally: Tally) -> None:
    """Where nothing is accepted, or nothing refused, nothing is shown about the other."""
    tally.check(all(tally.figures[name] for name in ("accepted", "refused")), "not both accepted and refused files")


def picture(values: NDArray[Any], kind: str = "PNG", mode: str | None = None) -> bytes:
    """A picture file of these grey levels or colours."""
    stream, image = io.BytesIO(), Image.fromarray(values)
    (image.convert(mode) if mode else image).save(stream, kind)
    return stream.getvalue()


def pictures(tally: Tally, folder: Path) -> None:
    """Mutants of PNG and JPEG files of every mode, and whole files of other formats, which are refused."""
    tally.figures |= dict.fromkeys(("accepted", "refused", "wrong_accepts", "other_exceptions"), 0)
    pad = rasterise(SEVEN)[::4, ::4]
    for kind in FOREIGN[: tally.asked]:
        data = picture(pad, kind, "RGB" if kind in ("WEBP", "PPM", "TGA", "EPS", "PDF") else None)
        accepted(tally, attempt(tally, kind, drawn.from_upload, data) is None, f"{kind} is read")
    modes = ("L", "RGB", "RGBA", "P", "1", "LA", "I;16")
    wholes = [
        picture(pad.astype(np.uint16) * 257 if mode == "I;16" else pad, "PNG", None if mode == "I;16" else mode)
        for mode in modes
    ]
    wholes += [picture(pad, "JPEG", mode) for mode in ("L", "RGB", "CMYK")]
    for number, whole in enumerate(wholes):
        part = (tally.asked - tally.tried) // (len(wholes) - number)
        for at, mutant in enumerate(mutants(whole, part, ANY_BYTE, tally.seed + number)):
            _digit(tally, f"picture {number}, mutant {at}", drawn.from_upload, mutant)


def canvases(tally: Tally, folder: Path) -> None:
    """What a drawing pad can hand over, and what it can not: empty, a dot, full, noise, any size."""
    tally.figures |= dict.fromkeys(("accepted", "refused", "wrong_accepts", "other_exceptions"), 0)
    rng = np.random.default_rng(tally.seed)
    for at in range(tally.asked):
        height, width = (int(side) for side in np.exp(rng.uniform(0, np.log(500), 2)))
        rgba = np.zeros((height, width, 4), np.uint8)
        rgba[..., 3] = 255
        how = at % 6
        if how == 0:
            rgba[:] = rng.integers(0, 256, rgba.shape)
        elif how == 1:
            rgba[rng.integers(height), rng.integers(width), :3] = rng.integers(1, 256)
        elif how == 2:
            rgba[..., :3] = 255
        elif how == 3:
            rgba[rng.random((height, width)) < 0.02] = 255
        elif how == 4:
            top, left = rng.integers(height), rng.integers(width)
            rgba[top : top + rng.integers(1, 300), left : left + rng.integers(1, 300), :3] = 200
        with np.errstate(all="raise"):
            read = _digit(tally, f"canvas {at}", drawn.from_rgba, rgba)
        if read is not None and not rgba[..., :3].any():
            accepted(tally, read.blank, f"canvas {at}: a digit on an empty pad")


def _digit(tally: Tally, what: str, read: Callable[[Any], drawn.Drawn], picture: Any) -> drawn.Drawn | None:
    digit: drawn.Drawn | None = attempt(tally, what, read, picture)
    if digit is not None:
        fits = digit.image.shape == (28, 28) and digit.image.dtype == np.uint8
        accepted(tally, fits and digit.blank == (not digit.image.any()), f"{what}: not a digit of 28 x 28")
    return digit


def configs(tally: Tally, folder: Path) -> None:
    """Extreme and senseless values for every setting of every architecture: refused, or within what is declared."""
    tally.figures |= dict.fromkeys(("accepted", "refused", "wrong_accepts", "other_exceptions"), 0)
    rng, names, slowest = np.random.default_rng(tally.seed), list(models.TABLE), 0.0
    for at in range(tally.asked):
        architecture = names[at % len(names)]
        if models.get(architecture).counterpart:
            architecture = "vit"
        if at < len(names):
            preflight(run_config(architecture, {}))  # what is loaded for the first is not counted
        declared = all_settings(architecture)
        values = {
            declared[place].name: _wild(declared[place], rng)
            for place in rng.choice(len(declared), int(rng.integers(1, 5)), replace=False)
        }
        if at % 2:  # the most and the least that is allowed, everywhere
            values = {setting.name: _edge(setting, rng) for setting in declared}
        config = attempt(tally, f"{architecture} {values!r:.200}", run_config, architecture, values)
        if config is not None:
            began = time.process_time()
            with contextlib.suppress(InputError):  # it does not fit this machine
                preflight(config)
            slowest = max(slowest, time.process_time() - began)
            flat = config.flat()
            wrong = [setting.name for setting in declared if not _within(setting, flat[setting.name])]
            accepted(tally, not wrong, f"{architecture} {values!r:.200}: {', '.join(wrong)} out of bounds")
    tally.figures["slowest_preflight_ms"] = round(slowest * 1000, 1)


def _edge(setting: Setting, rng: np.random.Generator) -> Any:
    edges = setting.choices or (setting.low, setting.high, setting.default)
    if setting.kind == "ints":
        return [int(setting.high or 1)] * int(rng.integers(setting.min_length or 0, 1 + (setting.max_length or 1)))
    return setting.default if setting.kind in ("bool", "run") else edges[int(rng.integers(len(edges)))]


def _wild(setting: Setting, rng: np.random.Generator) -> Any:
    """Half the time what is just within or just without the bounds, else anything."""
    edges: list[Any] = [setting.low, setting.high, setting.default]
    if setting.high is not None:
        edges += [setting.high + 1, setting.high * 10]
    if setting.low is not None:
        edges += [setting.low - 1, -setting.low]
    anything: list[Any] = [
        10**9, -(10**9), 10**400, 2**63, -1, 0, 0.5, 1e308, math.nan, math.inf, -math.inf, "", "x" * 10_000, "0x10", "1e3",
        " 3 ", "\x00", "'; DROP TABLE runs", None, True, [], {}, [1] * 1_000, (10**9,), b"1", "٣", "1_000", object(), "nan",
    ]  # fmt: skip
    values = [*edges, *setting.choices] if rng.random() < 0.5 else anything
    return values[int(rng.integers(len(values)))]


def _within(setting: Setting, value: Any) -> bool:
    if setting.kind == "choice":
        return value in setting.choices
    if setting.kind == "run":
        return isinstance(value, str) and RUN_ID.fullmatch(value) is not None
    numbers = value if setting.kind == "ints" else (value,)
    low, high = (
        (-math.inf if setting.low is None else setting.low),
        (math.inf if setting.high is None else setting.high),
    )
    return setting.kind == "bool" or all(math.isfinite(number) and low <= number <= high for number in numbers)


def weight_files(tally: Tally, folder: Path) -> None:
    """Mutants of a weights file under its own name: noticed by the hash; and as a file of somebody else: typed errors only."""
    tally.figures |= dict.fromkeys(("accepted", "refused", "wrong_accepts", "other_exceptions"), 0)
    whole = artefacts.pack(
        {"format": 1}, {"weight": np.arange(40, dtype=np.float32).reshape(10, 4), "bias": np.zeros(3)}
    )
    sha = artefacts.put(folder, whole)
    path = next((folder / "artefacts").glob("*/*"))
    bombs = [size.to_bytes(8, "little") + b"{" for size in (2**63, 2**60, 10**8, 5, 0)]
    for at, mutant in enumerate(
        itertools.islice(itertools.chain(bombs, mutants(whole, tally.asked, ANY_BYTE, tally.seed)), tally.asked)
    ):
        path.write_bytes(mutant)
        content = attempt(tally, f"weights, mutant {at}", artefacts.get, folder, sha)
        accepted(tally, content is None or content == whole, f"weights, mutant {at}: damage that is not noticed")
        tally.tried -= 1  # one file, looked at in two ways
        attempt(tally, f"weights of a stranger, mutant {at}", artefacts.unpack, mutant)


ROWS = (
    Row("idx", "damaged IDX and gzip files", idx_files, 5_000, 5_000),
    Row("csv", "damaged Kaggle files", csv_files, 2_000, 500),
    Row("images", "damaged and foreign pictures", pictures, 1_000, 120),
    Row("canvas", "drawing pads", canvases, 1_000, 500),
    Row("config", "wild settings", configs, 200, 200),
    Row("weights", "damaged weight files", weight_files, 5_000, 2_000),
)
