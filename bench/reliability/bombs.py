"""Rows of input that is made to take something: small files that unpack to much, and names that lead out of the folder."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.reliability.card import Row, Tally
from bench.reliability.children import can_fork, fork
from bench.reliability.mutants import csv_bytes, idx_bytes
from core.cli.app import main
from core.data import drawn, idx, kaggle
from core.errors import InputError
from core.experiments import presets
from core.machine.memory import trim_heap
from core.runs import artefacts
from core.runs.groups import group
from core.runs.lease import is_alive
from core.runs.store import Store

MAX_PEAK_BYTES = 120e6  # more memory than before that one file may take
SIDE_PIXELS = 4_000


def bombs(tally: Tally, folder: Path) -> None:
    """Each in a process of its own, whose memory is watched; refused or read, but never at that price."""
    for name, read in list(_bombs())[: tally.asked]:
        result = folder / f"{tally.tried}.json"

        def explode(read: Callable[[], Any] = read, result: Path = result) -> None:
            before, outcome = _peak_bytes(), "read"
            try:
                read()
            except InputError:
                outcome = "refused"
            result.write_text(json.dumps([outcome, _peak_bytes() - before]))

        trim_heap()  # memory that this process has free, a child would take without anybody noticing
        child = fork(explode, folder)
        if not tally.check(child.wait() == 0, f"{name}: exit code {child.code}, {child.complaint()}"):
            continue
        outcome, peak = json.loads(result.read_text())
        tally.tried += 1
        tally.count("refused", int(outcome == "refused"))
        tally.figures["peak_mb"] = max(tally.figures.get("peak_mb", 0), round(peak / 1e6))
        tally.check(peak < MAX_PEAK_BYTES, f"{name}: {outcome}, {peak / 1e6:,.0f} MB")


def _peak_bytes() -> int:
    """The most memory that this process has held so far."""
    return int(re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[0]) * 1024


def needs_proc() -> str:
    """Why memory can not be watched here, "" where it can."""
    return can_fork() or ("" if Path("/proc/self/status").exists() else "needs /proc")


def _bombs() -> Iterator[tuple[str, Callable[[], Any]]]:
    images = np.zeros((12, 28, 28), np.uint8)
    zeros = gzip.compress(bytes(16 << 20), 1) * 16  # 256 MiB in as many members as gzip allows to follow each other
    header = struct.pack(">4I", 0x803, 12, 28, 28)
    packed = {
        "gzip of nothing but zeros": zeros, "gzip after a true header": gzip.compress(header) + zeros,
        "gzip after a true file": gzip.compress(idx_bytes(images)) + zeros,
        "gzip after a header of 70,000 images": gzip.compress(struct.pack(">4I", 0x803, 70_000, 28, 28)) + zeros,
        "IDX that announces 4 thousand million": struct.pack(">4I", 0x803, 2**32 - 1, 28, 28),
    }  # fmt: skip
    for name, data in packed.items():
        yield name, partial(idx.parse_idx, data, "bomb.gz", expect=(28, 28))
    csv = csv_bytes(images[:2], np.arange(2))
    tables = {
        "CSV with a line of 40 MB": csv + b"1" * 40_000_000, "CSV of 40 MB of commas": csv + b"," * 40_000_000,
        "CSV of 40 MB of line ends": csv + b"\n" * 40_000_000, "CSV with a first line of 40 MB": b"label," * 6_600_000,
        "CSV above 100 MB": bytes(kaggle.MAX_BYTES + 1),
    }  # fmt: skip
    for name, data in tables.items():
        yield name, partial(kaggle.read_train_csv, data)
    for name, data in _pictures():
        yield name, partial(drawn.from_upload, data)


def _pictures() -> Iterator[tuple[str, bytes]]:
    for side in (8_000, 30_000):
        yield f"PNG that says {side:,} pixels a side", _png(side, [])
    yield "PNG with a text of 64 MB", _png(8, [(b"zTXt", b"a\0\0" + zlib.compress(bytes(64 << 20)))])
    yield "PNG with a colour profile of 64 MB", _png(8, [(b"iCCP", b"a\0\0" + zlib.compress(bytes(64 << 20)))])
    blank = np.zeros((SIDE_PIXELS, SIDE_PIXELS), np.uint8)
    for mode in ("L", "RGB", "RGBA", "LA", "P", "1", "I;16"):
        image = Image.fromarray(blank.astype(np.uint16)) if mode == "I;16" else Image.fromarray(blank).convert(mode)
        yield f"PNG of {SIDE_PIXELS:,} pixels a side, {mode}", _saved(image, "PNG", compress_level=1)
    for mode in ("L", "RGB", "CMYK"):
        yield f"JPEG of {SIDE_PIXELS:,} pixels a side, {mode}", _saved(Image.fromarray(blank).convert(mode), "JPEG")


def _saved(image: Image.Image, kind: str, **how: int) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **how)
    return stream.getvalue()


def _png(side: int, chunks: list[tuple[bytes, bytes]]) -> bytes:
    """A file that says it is side x side pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    pixels = zlib.compress(bytes((side + 1) * side if side < 100 else 9))
    parts = [(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)), *chunks, (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def traversal_strings() -> list[str]:
    """200 and more ways to name a file that is nobody's business."""
    steps = (
        "../", "..\\", "..%2f", "..%5c", "%2e%2e/", "%2e%2e%2f", "%252e%252e%252f", "..%c0%af", "..;/", "....//", "./../",
        "\uff0e\uff0e/", "\u2025/", "..\u2215", "..\u2044",
    )  # fmt: skip
    targets = ("etc/passwd", "runs.sqlite3", "outside.txt", "proc/self/environ")
    roots = (
        "/",
        "//",
        "\\\\",
        "C:\\",
        "C:/",
        "\\\\host\\share\\",
        "file:///",
        "~/",
        "~root/",
        "$HOME/",
        "\x00/",
        "/dev/../",
    )
    strings = [step * depth + target for step in steps for depth in (1, 3, 8) for target in targets]
    strings += [root + target for root in roots for target in targets]
    strings += [
        "",
        ".",
        "..",
        "/",
        "\x00",
        "0" * 32 + "/../x",
        "abcdef\x00",
        "a" * 10_000,
        "../" * 3_000,
        "abcdef/../../x",
        "*",
        "?",
    ]
    return strings


def traversals(tally: Tally, folder: Path) -> None:
    """Each as a run, a group, a worker, a file, a preset, an address and a flag; every file that is opened meanwhile is
    watched."""
    (folder / "outside.txt").write_text("secret")
    result = folder / "result.json"
    strings = traversal_strings()
    tried = [strings[number * len(strings) // tally.asked] for number in range(tally.asked)]

    def walk() -> None:
        result.write_text(json.dumps(_walk(folder / "runs", tried)))

    child = fork(walk, folder / "said")
    if tally.check(child.wait() == 0, f"exit code {child.code}, {child.complaint()}"):
        tried, calls, outside, others = json.loads(result.read_text())
        tally.tried += tried
        tally.figures |= {"calls": calls, "opens_outside": len(outside), "other_exceptions": len(others)}
        for fault in (*outside, *others):
            tally.faults.append(fault)


def _walk(root: Path, strings: list[str]) -> tuple[int, int, list[str], list[str]]:
    """How many strings and calls; files that were opened and are not ours; exceptions that are no refusal."""
    from pages.shared.watch import parse_address

    os.environ["DIGIT_LAB_RUNS"] = str(root)
    store, outside, others, calls = Store(root), list[str](), list[str](), 0
    homes = [str(Path(home).resolve()) for home in (root, sys.prefix, sys.base_prefix, Path.cwd(), os.devnull)]
    doing = ""

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], (str, bytes)):
            path = os.path.realpath(os.fsdecode(arguments[0]))
            if not path.startswith(tuple(homes)):
                outside.append(f"{doing}: {path} was opened")

    readers: dict[str, Callable[[str], Any]] = {
        "run": store.run, "delete": store.delete, "claim": lambda text: store.claim("0" * 32, text),
        "group": lambda text: group(store, text), "worker": lambda text: is_alive(root, text),
        "file": lambda text: artefacts.get(root, text), "preset": presets.get,
        "address": lambda text: parse_address({"view": "runs", "runs": text, "x": text, "group": text}),
        "show": lambda text: _said(["show", text]), "evaluate": lambda text: _said(["evaluate", text]),
        "train": lambda text: _said(["train", "--architecture", text]),
        "dataset": lambda text: _said(["baselines", "--dataset", text]),
    }  # fmt: skip
    sys.addaudithook(watch)
    for text in strings:
        for name, reader in readers.items():
            doing, calls = f"{name} {text!r:.60}", calls + 1
            try:
                reader(text)
            except (InputError, ValueError):
                continue
            except Exception as error:  # noqa: BLE001 - that is what is looked for
                others.append(f"{doing}: {type(error).__name__}: {error}")
    doing = "end"
    store.close()
    return len(strings), calls, outside, others


def _said(arguments: list[str]) -> None:
    """A command that has to refuse what it was given."""
    if main(arguments) != 2:
        raise RuntimeError("the command did not refuse it")


ROWS = (
    Row("bombs", "small files that unpack to much", bombs, 24, 24, needs_proc),
    Row("traversals", "names that lead out of the folder", traversals, 200, 60, can_fork),
)
