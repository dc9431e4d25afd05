"""The event file: read back by protobuf's own parser and by the definition of its records, it holds what the store holds."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from core.analysis.history import frame
from core.export.source import Source
from core.export.targets import export
from core.export.tensorboard import crc32c

DOUBLE, FLOAT, INT64, INT32, MESSAGE, STRING, BYTES = 1, 2, 3, 5, 11, 9, 12
# As tensorboard/compat/proto declares them: message -> (field, number, type, is repeated, message type).
PROTOS: dict[str, tuple[tuple[str, int, int, bool, str], ...]] = {
    "Dim": (("size", 1, INT64, False, ""),),
    "Shape": (("dim", 2, MESSAGE, True, "Dim"),),
    "Tensor": (
        ("dtype", 1, INT32, False, ""), ("tensor_shape", 2, MESSAGE, False, "Shape"), ("string_val", 8, BYTES, True, ""),
    ),
    "Plugin": (("plugin_name", 1, STRING, False, ""), ("content", 2, BYTES, False, "")),
    "Metadata": (("plugin_data", 1, MESSAGE, False, "Plugin"), ("data_class", 4, INT32, False, "")),
    "Value": (
        ("tag", 1, STRING, False, ""), ("simple_value", 2, FLOAT, False, ""), ("tensor", 8, MESSAGE, False, "Tensor"),
        ("metadata", 9, MESSAGE, False, "Metadata"),
    ),
    "Summary": (("value", 1, MESSAGE, True, "Value"),),
    "Event": (
        ("wall_time", 1, DOUBLE, False, ""), ("step", 2, INT64, False, ""), ("file_version", 3, STRING, False, ""),
        ("summary", 5, MESSAGE, False, "Summary"),
    ),
}  # fmt: skip


def event_class() -> Any:
    """The message ``Event``, made by protobuf of its declaration."""
    file = descriptor_pb2.FileDescriptorProto(name="event.proto", package="board", syntax="proto3")
    for name, fields in PROTOS.items():
        message = file.message_type.add(name=name)
        for field, number, kind, is_repeated, of in fields:
            more = {"type_name": f".board.{of}"} if of else {}
            message.field.add(name=field, number=number, type=kind, label=3 if is_repeated else 1, **more)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("board.Event"))


def records(content: bytes) -> Iterator[bytes]:
    """Of a TFRecord file, its checksums looked at."""

    def check(part: bytes, masked: bytes) -> None:
        rotated = (struct.unpack("<I", masked)[0] - 0xA282EAD8) & 0xFFFFFFFF
        assert (rotated >> 17 | rotated << 15) & 0xFFFFFFFF == crc32c(part)

    while content:
        length = struct.unpack("<Q", content[:8])[0]
        check(content[:8], content[8:12])
        check(content[12 : 12 + length], content[12 + length : 16 + length])
        yield content[12 : 12 + length]
        content = content[16 + length :]


@pytest.mark.parametrize(
    ("content", "expected"),  # the second and third of RFC 3720, appendix B.4
    [(b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43)],
)
def test_the_checksum_is_castagnolis(content: bytes, expected: int) -> None:
    assert crc32c(content) == expected


def test_every_curve_is_there_by_step_and_by_epoch(source: Source) -> None:
    (file,) = export("tensorboard", source).files
    assert "tfevents" in file.name
    event = event_class()
    first, settings, *points = (event.FromString(record) for record in records(file.content))
    assert first.file_version == "brain.Event:2"
    (text,) = settings.summary.value
    assert (text.tag, text.metadata.plugin_data.plugin_name, text.tensor.dtype) == ("settings", "text", 7)
    assert [dim.size for dim in text.tensor.tensor_shape.dim] == [1]
    assert "| lr | 1e-05 |" in text.tensor.string_val[0].decode()
    curves: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for each in points:
        (value,) = each.summary.value
        curves[value.tag].append((each.step, value.simple_value))
        assert each.wall_time > 1.6e9
    table = frame(event for _, event in source.store.history(source.run.run_id))
    val = table[table["split"] == "val"]
    for column in ("loss", "accuracy"):
        numbers = [np.float32(value) for value in val[column]]
        assert curves[f"by_epoch/{column}/val"] == list(zip([0, 1, 2], numbers, strict=True))
        assert curves[f"by_step/{column}/val"] == list(zip(val["step"], numbers, strict=True))
    inside = table[(table["split"] == "train") & ~table["whole_epoch"]]
    assert curves["by_step/loss/train"] == [
        (row.step, np.float32(row.loss)) for row in inside.itertuples() if not np.isnan(row.loss)
    ]
    assert {step for step, _ in curves["by_epoch/training/learning_rate"]} == {1, 2}
    assert sum(map(len, curves.values())) == len(points)
