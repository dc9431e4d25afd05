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
from scipy import ndimage

from bench import pictures
from core.data.dataset import Dataset
from core.data.drawing import picture
from core.data.drawing.stroke import NO_DIGIT, TWO_DIGITS
from core.data.drawn import MAX_UPLOAD_BYTES, Drawn, from_rgba, from_upload, to_digit
from core.data.strokes import rasterise
from core.errors import DataError

SEVEN = [[[0, 0], [10, 0], [4, 15]]]
PAD = rasterise(SEVEN)


def box(image: NDArray[np.uint8]) -> tuple[int, int]:
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def centre(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    grid = np.indices((28, 28))
    middle: NDArray[np.float64] = (grid * image).sum(axis=(1, 2)) / float(image.sum())
    return middle


def place(image: NDArray[np.uint8], size: int, top: int, left: int) -> NDArray[np.uint8]:
    canvas = np.zeros((size, size), np.uint8)
    canvas[top : top + image.shape[0], left : left + image.shape[1]] = image
    return canvas


def file(image: NDArray[Any], kind: str = "PNG", **more: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, kind, **more)
    return stream.getvalue()


def test_a_drawing_gets_the_size_and_place_of_mnist() -> None:
    result = to_digit(PAD)
    assert not result.blank
    assert result.image.shape == (28, 28)
    assert result.image.dtype == np.uint8
    assert max(box(result.image)) == 20
    assert np.abs(centre(result.image) - 14).max() <= 0.5
    assert result.image.max() == 255


def test_size_and_place_on_the_pad_make_no_difference() -> None:
    first = to_digit(PAD).image
    for size, top, left in ((400, 0, 0), (400, 120, 7), (1_000, 720, 720)):
        assert np.array_equal(to_digit(place(PAD, size, top, left)).image, first)
    twice = PAD.repeat(2, axis=0).repeat(2, axis=1)
    assert np.abs(to_digit(twice).image.astype(int) - first).mean() < 3


def test_each_step_of_the_way_can_be_shown() -> None:
    result = to_digit(place(PAD, 400, 50, 90))
    assert result.cropped.shape == box(PAD)
    assert max(result.scaled.shape) == 20
    assert result.scaled.shape[1] == pytest.approx(20 * result.cropped.shape[1] / result.cropped.shape[0], abs=0.5)
    height, width = result.scaled.shape
    top, left = (28 - height) // 2, (28 - width) // 2
    assert np.array_equal(result.pasted[top : top + height, left : left + width], result.scaled)
    assert result.pasted.sum() == result.image.sum() == result.scaled.sum()


def test_ink_of_20_pixels_is_moved_but_not_touched() -> None:
    ink = np.random.default_rng(3).integers(1, 256, (20, 13), np.uint8)
    image = to_digit(place(ink, 60, 31, 5)).image
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    assert np.array_equal(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], ink)


def test_without_centring_the_box_is_in_the_middle() -> None:
    result = to_digit(PAD, centre=False)
    assert np.array_equal(result.image, result.pasted)
    assert np.abs(centre(result.image) - 14).max() > 0.5


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
        result = to_digit(np.rot90(flag, turns))
        rows, columns = np.flatnonzero(result.image.any(axis=1)), np.flatnonzero(result.image.any(axis=0))
        assert np.array_equal(result.image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], result.scaled)


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (280, 280), (4_000, 4_000), (1, 4_000), (3_000, 2)])
def test_an_empty_pad_of_any_size_is_blank(shape: tuple[int, int]) -> None:
    result = to_digit(np.zeros(shape, np.uint8))
    assert result.blank
    assert result.image.shape == (28, 28)
    assert not result.image.any()


def test_dots_lines_and_full_pads_are_digits_like_any_other() -> None:
    dot = np.zeros((280, 280), np.uint8)
    dot[7, 250] = 255
    line = np.zeros((280, 280), np.uint8)
    line[:, 3] = 255
    for pad in (dot, line, np.full((280, 280), 255, np.uint8), np.full((1, 1), 1, np.uint8)):
        result = to_digit(pad)
        assert not result.blank
        assert max(box(result.image)) == 20
    assert box(to_digit(line).image) == (20, 2), "a line too thin to be seen is widened"


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
        result = to_digit(pad, crop=bool(rng.integers(2)), centre=bool(rng.integers(2)))
        assert result.image.shape == (28, 28)
        assert result.blank == (not result.image.any())


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


def alike(result: Drawn, tolerance: float = 6) -> bool:
    return bool(np.abs(result.image.astype(int) - to_digit(PAD).image).mean() < tolerance)


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
            result = from_upload(file(photo, kind))
            assert alike(result, 10)
            assert np.mean(result.image == 0) > 0.5

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
        for full in (255, 4_095, 65_535):  # a file of 16 bits a pixel may use fewer
            assert alike(from_upload(file(np.rint((255.0 - PAD) * full / 255).astype(np.uint16))))
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
        with pytest.raises(DataError, match="20 MB"):
            from_upload(bytes(MAX_UPLOAD_BYTES + 1))
        monkeypatch.setattr(picture, "_reduced", lambda file: pytest.fail("was decoded"))
        with pytest.raises(DataError, match=r"8,000 × 8,000 pixels, that is 64 million; at most 50 million"):
            from_upload(png_of_zeros(8_000))
        strip = io.BytesIO()
        Image.new("L", (1, 65_536)).save(strip, "PNG")  # with 50 million, the table of its rows alone takes 400 MB
        with pytest.raises(DataError, match=r"1 × 65,536 pixels, .* and 65,535 on a side"):
            from_upload(strip.getvalue())
        for side in (15_000, 30_000):  # Pillow warns of the first and refuses the second by itself
            with pytest.raises(DataError):
                from_upload(png_of_zeros(side))

    @pytest.mark.parametrize(
        ("mode", "target"),
        [("L", "L"), ("LA", "LA"), ("RGB", "RGB"), ("RGBA", "RGBA"), ("I;16", "I"), ("P", "RGB"), ("1", "RGB"),
         ("CMYK", "RGB")],
    )  # fmt: skip
    def test_a_picture_is_averaged_in_strips_as_it_would_be_at_once(self, mode: str, target: str) -> None:
        pixels = np.random.default_rng(9).integers(0, 256, (97, 1_203, 4), np.uint8)
        whole = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257 if mode == "I;16" else pixels)
        whole = whole if mode == "I;16" else whole.convert("RGB" if mode in ("P", "CMYK") else mode).convert(mode)
        for factor in (1, 2, 7):
            once = np.asarray(whole.convert(target).reduce(factor))
            assert np.array_equal(np.asarray(picture._averaged(whole, target, factor)), once)

    @pytest.mark.parametrize("shape", [(1, 4_001), (4_032, 3_024)])
    def test_a_large_picture_is_not_refused(self, shape: tuple[int, int]) -> None:
        assert from_upload(file(np.full(shape, 200, np.uint8), "JPEG")).blank

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


def distance(result: Drawn, truth: NDArray[np.uint8]) -> float:
    """Mean difference to the digit itself, grey levels; about 10 between two different digits of one pen."""
    return float(np.abs(result.image.astype(int) - to_digit(truth).image).mean())


def paper(shape: tuple[int, int], level: float | NDArray[np.float64], grain: float = 4) -> NDArray[np.float64]:
    return level + np.random.default_rng(7).normal(0, grain, shape)


def jpeg(pixels: NDArray[np.float64]) -> bytes:
    return file(pixels.clip(0, 255).astype(np.uint8), "JPEG", quality=90)


INK = PAD / 255


class TestInkOnPaper:
    """A seven on every kind of paper comes out as the seven itself."""

    @pytest.mark.parametrize("level", [220, 126, 110, 80])
    def test_paper_may_be_darker_than_mid_grey(self, level: int) -> None:
        assert distance(from_upload(jpeg(paper(PAD.shape, level) * (1 - 0.8 * INK))), PAD) < 6

    @pytest.mark.parametrize("level", [40, 130, 160, 180])
    def test_a_white_pen_on_any_grey_is_read(self, level: int) -> None:
        assert distance(from_upload(jpeg(paper(PAD.shape, level) + (250 - level) * INK)), PAD) < 6

    @pytest.mark.parametrize(
        ("ground", "pen"),
        [
            ((255, 255, 255), (255, 255, 0)),
            ((0, 0, 0), (0, 0, 255)),
            ((255, 255, 255), (225, 225, 225)),
            ((255, 255, 255), (255, 192, 203)),
            ((0, 130, 0), (255, 0, 0)),
        ],
    )
    @pytest.mark.parametrize("kind", ["PNG", "JPEG"])
    def test_pale_and_coloured_ink_is_read(self, ground: tuple[int, ...], pen: tuple[int, ...], kind: str) -> None:
        pixels = np.array(ground) * (1 - INK[..., None]) + np.array(pen) * INK[..., None]
        assert distance(from_upload(file(np.rint(pixels).astype(np.uint8), kind)), PAD) < 6

    @pytest.mark.parametrize("turns", range(4))
    def test_light_may_fall_off_across_the_paper(self, turns: int) -> None:
        slope = np.rot90(np.broadcast_to(np.linspace(220, 120, 280), PAD.shape), turns)
        assert distance(from_upload(jpeg(paper(PAD.shape, slope) * (1 - 0.78 * INK))), PAD) < 6

    def test_a_shadow_is_no_ink(self) -> None:
        light = np.full(PAD.shape, 215.0)
        light[150:] = 120
        light[140:150] = np.linspace(215, 120, 10)[:, None]
        assert distance(from_upload(jpeg(paper(PAD.shape, light) * (1 - 0.75 * INK))), PAD) < 8

    def test_faint_pencil_is_read(self) -> None:
        assert distance(from_upload(jpeg(paper(PAD.shape, 210, 5) * (1 - 0.3 * INK))), PAD) < 8

    @pytest.mark.parametrize("width", [1, 12])
    def test_a_frame_is_not_the_digit(self, width: int) -> None:
        assert distance(from_upload(file(np.pad(255 - PAD, width))), PAD) < 6

    @pytest.mark.parametrize("degrees", [0, 3, -3])
    def test_a_box_on_the_paper_around_a_digit_is_not_the_digit(self, degrees: float) -> None:
        box = np.pad(np.pad(np.zeros((312, 312)), 3, constant_values=1), 40)
        if degrees:
            box = ndimage.rotate(box, degrees, order=1, reshape=False)
        box[59:339, 59:339] += INK
        assert distance(from_upload(jpeg(paper(box.shape, 220) * (1 - 0.75 * box.clip(0, 1)))), PAD) < 6

    def test_a_round_0_stays_though_something_stands_in_it(self) -> None:
        away = np.hypot(*np.indices((280, 280)) - 140.0)
        ring = 255.0 * (((away > 90) & (away < 105)) | (away < 30))
        assert distance(from_upload(file(np.rint(255 - ring).astype(np.uint8))), ring.astype(np.uint8)) < 6

    def test_the_desk_around_a_sheet_is_not_the_digit(self) -> None:
        sheet = np.pad(225 - 190 * INK, ((30, 50), (60, 25)), constant_values=50)
        assert distance(from_upload(jpeg(sheet + paper(sheet.shape, 0))), PAD) < 6

    def test_a_dark_strip_at_one_side_is_not_the_digit(self) -> None:
        sheet = paper(PAD.shape, 225) - 190 * INK
        sheet[:, :20] = 45
        assert distance(from_upload(jpeg(sheet)), PAD) < 6

    def test_the_lines_of_school_paper_are_not_the_digit(self) -> None:
        lines = np.where(np.arange(280)[:, None] % 40 < 2, 185, 228) * np.ones(PAD.shape)
        assert distance(from_upload(jpeg(paper(PAD.shape, lines) * (1 - 0.8 * INK))), PAD) < 6

    def test_a_telephones_12_megapixels_are_read_upright(self) -> None:
        photo = np.kron(np.pad(200 - 150 * INK, ((61, 61), (124, 124))), np.ones((8, 8)))[:3_024, :4_032]
        exif = Image.Exif()
        exif[0x0112] = 6
        data = file(np.rot90(photo).astype(np.uint8), "JPEG", exif=exif)
        assert photo.size > 12e6
        assert distance(from_upload(data), PAD) < 6

    def test_a_sheet_without_ink_is_blank(self) -> None:
        for grain in (0, 3, 12):
            for level in (60, 200):
                assert from_upload(jpeg(paper((200, 300), np.linspace(level, 0.7 * level, 300)[None, :], grain))).blank
        framed = np.pad(np.full((200, 200), 255, np.uint8), 3)
        assert from_upload(file(framed)).blank


class TestThinPens:
    @pytest.mark.parametrize(("pen", "side"), [(4, 280), (2, 280), (3, 500), (2, 800)])
    def test_a_thin_pen_is_widened_to_full_ink(self, pen: int, side: int) -> None:
        result = from_upload(file(255 - rasterise(SEVEN, size=side, width=pen)))
        assert result.thickened is not None
        assert result.thickened.max() == 255
        assert distance(result, PAD) < 10
        assert np.percentile(result.image[result.image > 0], 90) > 230

    def test_the_pads_own_brush_is_left_alone(self) -> None:
        for margin in (0.0, 0.1, 0.3):
            assert to_digit(rasterise(SEVEN, margin=margin)).thickened is None

    def test_without_cropping_nothing_is_widened(self) -> None:
        assert to_digit(rasterise(SEVEN, width=2), crop=False).thickened is None


class TestDoubt:
    def test_one_digit_is_not_doubted(self, digits: Dataset) -> None:
        assert to_digit(PAD).notice == ""
        notices = [to_digit(image).notice for image in digits.test_images[:200]]
        assert sum(map(bool, notices)) <= 2

    @pytest.mark.parametrize("gap", [-12, 3, 60])
    def test_two_digits_are_doubted(self, gap: int) -> None:
        ink = PAD[:, np.flatnonzero(PAD.any(axis=0))]
        both = np.zeros((280, 2 * ink.shape[1] + gap), np.uint8)
        both[:, : ink.shape[1]] = ink
        both[:, -ink.shape[1] :] |= ink
        assert to_digit(both).notice == TWO_DIGITS
        assert from_upload(file(255 - np.pad(both, 40))).notice == TWO_DIGITS

    def test_a_scribble_and_a_blot_are_doubted(self) -> None:
        t = np.linspace(0, 30, 300)
        scribble = np.stack([50 + 45 * np.sin(3.1 * t), 50 + 45 * np.sin(4.3 * t)], axis=1).tolist()
        blot = np.zeros((280, 280), np.uint8)
        blot[60:200, 70:210] = 255
        for image in (rasterise([scribble], width=8), blot):
            assert to_digit(image).notice == NO_DIGIT

    def test_an_empty_pad_is_not_doubted(self) -> None:
        assert to_digit(np.zeros((280, 280), np.uint8)).notice == ""


@pytest.mark.mnist
class TestTheTable:
    """``python -m bench.pictures`` in small: every kind of picture of the same test digits, read by the shipped network."""

    @pytest.mark.parametrize("kind", pictures.KINDS, ids=lambda kind: kind.name)
    def test_most_pictures_of_a_kind_are_read(
        self, kind: pictures.Kind, real_mnist: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("DIGIT_LAB_REFERENCE_RUNS", raising=False)
        n = 10 if "megapixel" in kind.name else 50
        files = pictures.pictures(kind, real_mnist.test_images[:n])
        right = pictures.n_right(files, real_mnist.test_labels[:n], pictures.network("compact"))
        assert right >= kind.floor * n


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
