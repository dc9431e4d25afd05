"""Drawn and uploaded digits get MNIST's geometry, and no picture breaks the way there."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bench.strokes import rasterise
from core.data import drawn
from core.data.drawn import Drawn, from_rgba, from_upload, to_digit
from core.errors import DataError

SEVEN = [[[0, 0], [10, 0], [4, 15]]]
PAD = rasterise(SEVEN)


def box(image: NDArray[np.uint8]) -> tuple[int, int]:
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def centre(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    grid = np.indices((28, 28))
    found: NDArray[np.float64] = (grid * image).sum(axis=(1, 2)) / float(image.sum())
    return found


def place(image: NDArray[np.uint8], size: int, top: int, left: int) -> NDArray[np.uint8]:
    canvas = np.zeros((size, size), np.uint8)
    canvas[top : top + image.shape[0], left : left + image.shape[1]] = image
    return canvas


def file(image: NDArray[Any], kind: str = "PNG", **more: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, kind, **more)
    return stream.getvalue()


def test_a_drawing_gets_the_size_and_place_of_mnist() -> None:
    found = to_digit(PAD)
    assert not found.blank
    assert found.image.shape == (28, 28)
    assert found.image.dtype == np.uint8
    assert max(box(found.image)) == 20
    assert np.abs(centre(found.image) - 14).max() <= 0.5
    assert found.image.max() == 255


def test_size_and_place_on_the_pad_make_no_difference() -> None:
    first = to_digit(PAD).image
    for size, top, left in ((400, 0, 0), (400, 120, 7), (1_000, 720, 720)):
        assert np.array_equal(to_digit(place(PAD, size, top, left)).image, first)
    twice = PAD.repeat(2, axis=0).repeat(2, axis=1)
    assert np.abs(to_digit(twice).image.astype(int) - first).mean() < 3


def test_each_step_of_the_way_can_be_shown() -> None:
    found = to_digit(place(PAD, 400, 50, 90))
    assert found.cropped.shape == box(PAD)
    assert max(found.scaled.shape) == 20
    assert found.scaled.shape[1] == pytest.approx(20 * found.cropped.shape[1] / found.cropped.shape[0], abs=0.5)
    height, width = found.scaled.shape
    top, left = (28 - height) // 2, (28 - width) // 2
    assert np.array_equal(found.pasted[top : top + height, left : left + width], found.scaled)
    assert found.pasted.sum() == found.image.sum() == found.scaled.sum()


def test_ink_of_20_pixels_is_moved_but_not_touched() -> None:
    ink = np.random.default_rng(3).integers(1, 256, (20, 13), np.uint8)
    image = to_digit(place(ink, 60, 31, 5)).image
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    assert np.array_equal(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], ink)


def test_without_centring_the_box_is_in_the_middle() -> None:
    found = to_digit(PAD, centre=False)
    assert np.array_equal(found.image, found.pasted)
    assert np.abs(centre(found.image) - 14).max() > 0.5


def test_without_cropping_the_pad_shrinks_as_it_is() -> None:
    small = place(PAD, 1_120, 0, 0)
    loose = to_digit(small, crop=False, centre=False).image
    assert max(box(loose)) <= 8
    assert np.flatnonzero(loose.any(axis=1)).max() < 8
    assert np.abs(centre(to_digit(small, crop=False).image) - 14).max() <= 0.5


def test_mass_at_one_end_does_not_push_ink_over_the_edge() -> None:
    flag = np.zeros((200, 200), np.uint8)
    flag[:, 20:24] = 255
    flag[:40, 20:180] = 255
    for turns in range(4):
        found = to_digit(np.rot90(flag, turns))
        rows, columns = np.flatnonzero(found.image.any(axis=1)), np.flatnonzero(found.image.any(axis=0))
        assert np.array_equal(found.image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], found.scaled)


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (280, 280), (4_000, 4_000), (1, 4_000), (3_000, 2)])
def test_an_empty_pad_of_any_size_is_blank(shape: tuple[int, int]) -> None:
    found = to_digit(np.zeros(shape, np.uint8))
    assert found.blank
    assert found.image.shape == (28, 28)
    assert not found.image.any()


def test_dots_lines_and_full_pads_are_digits_like_any_other() -> None:
    dot = np.zeros((280, 280), np.uint8)
    dot[7, 250] = 255
    line = np.zeros((280, 280), np.uint8)
    line[:, 3] = 255
    for pad in (dot, line, np.full((280, 280), 255, np.uint8), np.full((1, 1), 1, np.uint8)):
        found = to_digit(pad)
        assert not found.blank
        assert max(box(found.image)) == 20
    assert box(to_digit(line).image) == (20, 1)


def test_specks_that_vanish_when_shrunk_are_blank() -> None:
    pad = np.zeros((4_000, 4_000), np.uint8)
    pad[0, 0] = pad[-1, -1] = 255
    assert to_digit(pad).blank


def test_a_thousand_random_pads_all_give_a_digit() -> None:
    rng = np.random.default_rng(4)
    for _ in range(1_000):
        height, width = rng.integers(1, 300, 2)
        pad = np.zeros((height, width), np.uint8)
        for _ in range(int(rng.integers(0, 4))):
            top, left = rng.integers(0, height), rng.integers(0, width)
            pad[top : top + rng.integers(1, 200), left : left + rng.integers(1, 200)] = rng.integers(0, 256)
        if rng.random() < 0.2:
            pad = (pad * (rng.random(pad.shape) < 0.01)).astype(np.uint8)
        found = to_digit(pad, crop=bool(rng.integers(2)), centre=bool(rng.integers(2)))
        assert found.image.shape == (28, 28)
        assert found.blank == (not found.image.any())


@pytest.mark.parametrize("image", [np.zeros((28, 28)), np.zeros((28, 28, 1), np.uint8), np.zeros(784, np.uint8)])
def test_anything_but_grey_levels_is_refused(image: NDArray[Any]) -> None:
    with pytest.raises(DataError, match="grey levels"):
        to_digit(image)


class TestFromThePad:
    def test_white_on_black_and_white_on_nothing_are_the_same_digit(self) -> None:
        opaque = np.dstack((PAD, PAD, PAD, np.full_like(PAD, 255)))
        clear = np.dstack((*[np.full_like(PAD, 255)] * 3, PAD))
        for rgba in (opaque, clear):
            assert np.array_equal(from_rgba(rgba).image, to_digit(PAD).image)

    def test_an_untouched_pad_is_blank(self) -> None:
        assert from_rgba(np.zeros((280, 280, 4), np.uint8)).blank
        invisible = np.full((280, 280, 4), 255, np.uint8)
        invisible[..., 3] = 0
        assert from_rgba(invisible).blank

    def test_the_switches_reach_the_geometry(self) -> None:
        rgba = np.dstack((PAD, PAD, PAD, np.full_like(PAD, 255)))
        for crop, centred in ((True, False), (False, True)):
            expected = to_digit(PAD, crop=crop, centre=centred).image
            assert np.array_equal(from_rgba(rgba, crop=crop, centre=centred).image, expected)

    @pytest.mark.parametrize("shape", [(28, 28), (28, 28, 3), (0,), (2, 28, 28, 4)])
    def test_another_shape_is_refused(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(DataError, match="opacity"):
            from_rgba(np.zeros(shape, np.uint8))


def alike(found: Drawn, tolerance: float = 6) -> bool:
    return bool(np.abs(found.image.astype(int) - to_digit(PAD).image).mean() < tolerance)


class TestUploads:
    def test_a_clean_png_is_taken_as_it_is(self) -> None:
        for image in (PAD, 255 - PAD):
            assert np.array_equal(from_upload(file(image)).image, to_digit(PAD).image)

    def test_dark_ink_on_light_paper_is_inverted(self) -> None:
        for kind in ("PNG", "JPEG"):
            assert alike(from_upload(file(255 - PAD, kind)))

    def test_paper_grey_and_its_grain_are_dropped(self) -> None:
        rng = np.random.default_rng(5)
        paper = 190 + rng.normal(0, 6, PAD.shape)
        photo = np.where(PAD > 127, 60, paper).clip(0, 255).astype(np.uint8)
        for kind in ("PNG", "JPEG"):
            found = from_upload(file(photo, kind))
            assert alike(found, 10)
            assert np.mean(found.image == 0) > 0.5

    def test_an_empty_sheet_is_blank(self) -> None:
        rng = np.random.default_rng(6)
        for image in (np.full((50, 50), 255), np.zeros((50, 50)), 200 + rng.normal(0, 5, (50, 50)), np.full((1, 1), 9)):
            for kind in ("PNG", "JPEG"):
                assert from_upload(file(image.astype(np.uint8), kind)).blank

    @pytest.mark.parametrize("ink", [0, 255])
    def test_transparent_ground_is_told_from_ink(self, ink: int) -> None:
        rgba = np.dstack((*[np.full_like(PAD, ink)] * 3, PAD))
        assert alike(from_upload(file(rgba)))

    def test_colour_palette_and_16_bit_pictures_are_read(self) -> None:
        blue = np.dstack((255 - PAD, 255 - PAD, np.full_like(PAD, 255)))
        assert alike(from_upload(file(blue)), 12)
        stream = io.BytesIO()
        Image.fromarray(255 - PAD).convert("P").save(stream, "PNG")
        assert alike(from_upload(stream.getvalue()))
        assert alike(from_upload(file((255 - PAD).astype(np.uint16) * 257)))
        stream = io.BytesIO()
        Image.fromarray(255 - PAD).convert("1").save(stream, "PNG")
        assert alike(from_upload(stream.getvalue()), 12)

    def test_a_photo_held_sideways_is_turned_upright(self) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6  # the camera was turned: rotate by 270 degrees to see it upright
        assert alike(from_upload(file(np.rot90(255 - PAD), "JPEG", exif=exif)))

    def test_what_is_not_a_png_or_jpeg_is_refused(self) -> None:
        gif = io.BytesIO()
        Image.fromarray(PAD).save(gif, "GIF")
        for data in (b"", b"hello", b"<svg/>", gif.getvalue(), file(PAD)[:200], b"\x89PNG\r\n\x1a\n", bytes(1_000)):
            with pytest.raises(DataError, match="PNG or JPEG"):
                from_upload(data)

    def test_too_many_bytes_or_pixels_are_refused_before_decoding(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(DataError, match="10 MB"):
            from_upload(bytes(drawn.MAX_UPLOAD_BYTES + 1))
        monkeypatch.setattr(drawn, "_grey", lambda picture: pytest.fail("was decoded"))
        with pytest.raises(DataError, match="4,000"):
            from_upload(file(np.zeros((1, 4_001), np.uint8)))
        for side in (15_000, 30_000):  # Pillow warns of the first and refuses the second by itself
            with pytest.raises(DataError):
                from_upload(png_of_zeros(side))

    def test_damaged_pictures_give_a_digit_or_a_data_error(self) -> None:
        rng = np.random.default_rng(8)
        for kind in ("PNG", "JPEG"):
            whole = file(PAD[::4, ::4], kind)
            for _ in range(400):
                data = bytearray(whole)
                for at in rng.integers(0, len(data), int(rng.integers(1, 5))):
                    data[at] = rng.integers(256)
                data = data[: int(rng.integers(1, len(data) * 2))]
                try:
                    assert from_upload(bytes(data)).image.shape == (28, 28)
                except DataError:
                    continue


def png_of_zeros(side: int) -> bytes:
    """A small file that says it is side x side pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(9))) + chunk(b"IEND", b"")


class TestStrokes:
    def test_strokes_fill_the_pad_up_to_the_margin(self) -> None:
        assert PAD.shape == (280, 280)
        height, width = box(PAD)
        assert height == pytest.approx(280 * 0.8, abs=3)
        assert width == pytest.approx((280 * 0.8 - 20) * 10 / 15 + 20, abs=3)
        assert set(np.unique(PAD)) >= {0, 255}

    def test_unit_and_origin_make_no_difference(self) -> None:
        moved = [[[x * 30 + 500, y * 30 - 9] for x, y in stroke] for stroke in SEVEN]
        assert np.abs(rasterise(moved).astype(int) - PAD).mean() < 0.5

    def test_the_brush_is_round_and_as_wide_as_asked(self) -> None:
        dot = rasterise([[[3, 3]]], width=40)
        assert np.abs(np.array(box(dot)) - 40).max() <= 2
        assert np.count_nonzero(dot > 127) == pytest.approx(np.pi * 20**2, rel=0.05)
        line = rasterise([[[0, 0], [0, 9]]], width=30)
        assert box(line)[1] == pytest.approx(30, abs=2)

    def test_no_stroke_is_an_empty_pad(self) -> None:
        assert not rasterise([], size=100).any()
        assert not rasterise([[]], size=100).any()
