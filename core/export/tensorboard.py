"""A run's curves as an event file of TensorBoard, written without TensorBoard.

The file is TensorFlow's: records, each with its length and two checksums (tensorflow.org/tutorials/load_data/tfrecord), of
protocol buffers (``Event`` and ``Summary`` of tensorboard/compat/proto). Only the few fields that curves and texts need are
written, so no package is needed for it. Values are 32-bit floats, as TensorBoard keeps them.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from types import MappingProxyType

import pandas as pd

from core.analysis.history import frame
from core.config import all_settings
from core.errors import InputError
from core.export.source import Exported, File, Source
from core.runs.rows import Run

CRC32C = 0x82F63B78  # Castagnoli's polynomial, bits reversed
MASK = 0xA282EAD8
BY_STEP, BY_EPOCH = "by_step", "by_epoch"
# Columns of ``core.analysis.history.frame``; those that are measured only while learning, with what their curves are called.
MEASURED = ("loss", "accuracy")  # of every split
ONCE: Mapping[str, str] = MappingProxyType(
    {"lr": "learning_rate", "grad_norm": "gradient_length", "images_per_s": "images_per_second"}
)


def make(source: Source) -> Exported:
    """One file: every measured point by step, the ends of epochs by epoch, and the settings as a text. Raises InputError when
    nothing was measured."""
    run = source.run
    table = frame(event for _, event in source.store.history(run.run_id))
    if table.empty:
        raise InputError(f"{run.name} has measured nothing, so it has no curves.")
    began = datetime.fromisoformat(run.created_utc).timestamp()
    settings = _text("settings", _settings(run))
    parts = [_record(_event(began, 0, version="brain.Event:2")), _record(_event(began, 0, summary=settings))]
    n_points = 0
    for tag, step, seconds, value in curves(table):
        parts.append(_record(_event(began + seconds, step, summary=_scalar(tag, value))))
        n_points += 1
    name = f"events.out.tfevents.{int(began)}.digit-lab.{run.run_id}"
    sentence = (
        f"{n_points:,} measured values by step and by epoch, and the settings as a text. Put the file into a folder of "
        "its own, and open the folder above it with “tensorboard --logdir”."
    )
    return Exported(
        (File(name, b"".join(parts), "application/octet-stream"),), sentence, figures={"n_values": n_points}
    )


def curves(table: pd.DataFrame) -> Iterator[tuple[str, int, float, float]]:
    """tag, step (weight updates, or passes over the training images), seconds of computing, value; in the order of the table.

    table: as ``frame`` makes it. A run that was stopped within an epoch has a last point by step only.
    """
    for row in table.to_dict("records"):
        split, whole = row["split"], row["whole_epoch"]
        lines = {f"{name}/{split}": row[name] for name in MEASURED}
        if split == "train" and row["step"]:  # before the first step there is no speed
            lines |= {f"training/{name}": row[column] for column, name in ONCE.items()}
        # The mean of a whole epoch while learning is no measurement of its last step.
        is_of_step = split != "train" or not whole
        for line, value in lines.items():
            if math.isnan(value):
                continue
            if is_of_step:
                yield f"{BY_STEP}/{line}", row["step"], row["seconds"], value
            if whole and row["epoch"].is_integer():
                yield f"{BY_EPOCH}/{line}", int(row["epoch"]), row["seconds"], value


def _settings(run: Run) -> str:
    config = run.run_config()
    values = config.flat()
    rows = [
        f"| {setting.name} | {setting.text(values[setting.name])} |" for setting in all_settings(config.architecture)
    ]
    return "\n".join(["| setting | value |", "|---|---|", f"| architecture | {config.architecture} |", *rows])


def _event(seconds: float, step: int, *, version: str = "", summary: bytes = b"") -> bytes:
    """``Event``: wall_time 1, step 2, file_version 3, summary 5. seconds: since 1970"""
    what = _bytes(3, version.encode()) if version else _bytes(5, summary)
    return b"\x09" + struct.pack("<d", seconds) + _int(2, step) + what


def _scalar(tag: str, value: float) -> bytes:
    """``Summary`` of one ``Value``: tag 1, simple_value 2."""
    return _bytes(1, _bytes(1, tag.encode()) + b"\x15" + struct.pack("<f", value))


def _text(tag: str, text: str) -> bytes:
    """``Summary`` of one ``Value``: tag 1, a tensor 8 of one string, and metadata 9 that names the plugin for texts."""
    metadata = _bytes(1, _bytes(1, b"text")) + _int(4, 2)  # data class: tensor
    tensor = _int(1, 7) + _bytes(2, _bytes(2, _int(1, 1))) + _bytes(8, text.encode())  # of strings, shape (1,)
    return _bytes(1, _bytes(1, tag.encode()) + _bytes(8, tensor) + _bytes(9, metadata))


def _int(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """A whole number in groups of seven bits, the lowest first."""
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])


def _record(content: bytes) -> bytes:
    length = struct.pack("<Q", len(content))
    return length + _masked(length) + content + _masked(content)


def _masked(content: bytes) -> bytes:
    check = crc32c(content)
    return struct.pack("<I", ((check >> 15 | check << 17) + MASK) & 0xFFFFFFFF)


def crc32c(content: bytes) -> int:
    """CRC-32C (RFC 3720, appendix B.4)."""
    table, check = _crc_table(), 0xFFFFFFFF
    for byte in content:
        check = table[(check ^ byte) & 0xFF] ^ check >> 8
    return check ^ 0xFFFFFFFF


@cache
def _crc_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (CRC32C if value & 1 else 0)
        table.append(value)
    return tuple(table)
