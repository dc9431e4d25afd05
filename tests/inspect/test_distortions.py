"""Each distortion against torchvision's own transform or a computation by hand, and what holds for all of them: the same
bytes whoever else draws, and untouched images where nothing is to happen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from networks import digit
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as TF

from core.errors import InputError
from core.inspect.corruptions import CORRUPTIONS, corrupt
from core.inspect.distortions import DISTORTIONS, distort, moved

Array = np.ndarray[Any, np.dtype[Any]]
BILINEAR = InterpolationMode.BILINEAR


@pytest.fixture(scope="module")
def images() -> Array:
    """Smooth blobs of ink that keep four pixels from the edge, as MNIST's digits do: (24, 28, 28) uint8."""
    rng = np.random.default_rng(0)
    blobs = torch.nn.functional.interpolate(torch.from_numpy(rng.random((24, 1, 6, 6))), (20, 20), mode="bilinear")[
        :, 0
    ]
    padded = np.zeros((24, 28, 28), np.uint8)
    padded[:, 4:24, 4:24] = np.clip(blobs.numpy() * 400 - 100, 0, 255)
    return padded


def signed(image: Array) -> Array:
    result: Array = image.astype(np.int64)
    return result


def furthest(image: Array, *possible: Array) -> int:
    """How far an image is from the nearest of those that it may be: the largest difference of a pixel."""
    return min(int(abs(signed(image) - signed(other)).max()) for other in possible)


def of_torchvision(image: Array, **values: Any) -> Array:
    """One image through ``torchvision``'s affine map. In float, as torchvision rounds down in uint8."""
    settings = {"angle": 0.0, "translate": [0, 0], "scale": 1.0, "shear": [0.0, 0.0]} | values
    result = TF.affine(torch.from_numpy(image[None].astype(np.float32)), interpolation=BILINEAR, **settings)[0]
    rounded: Array = np.rint(result.numpy()).astype(np.uint8)
    return rounded


@pytest.mark.parametrize("name", DISTORTIONS)
def test_nothing_but_the_seed_and_the_position_decides(name: str, images: Array) -> None:
    before, state = images.copy(), torch.random.get_rng_state()
    distortion = DISTORTIONS[name]
    assert distortion.strengths[0] == distortion.neutral
    assert sorted(distortion.strengths[1:]) == list(distortion.strengths[1:])
    np.testing.assert_array_equal(distort(name, images, distortion.neutral), images)
    for strength in distortion.strengths[1:]:
        harder = distort(name, images, strength, seed=3)
        assert (harder.dtype.name, harder.shape) == ("uint8", images.shape)
        assert (harder != images).any((1, 2)).mean() > 0.7
        np.testing.assert_array_equal(distort(name, images[7:9], strength, seed=3, positions=[7, 8]), harder[7:9])
    other_seed = distort(name, images, strength, seed=4)
    assert (other_seed != harder).any() == bool(distortion.n_draws)
    np.testing.assert_array_equal(images, before)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_what_can_not_be_is_refused_in_a_sentence(images: Array) -> None:
    with pytest.raises(InputError, match="no distortion 'shft'; there are shift, rotation"):
        distort("shft", images, 1)
    for strength in (7, -1, float("nan")):
        with pytest.raises(InputError, match=r"Shift: a strength of .* is not within 0 to 6"):
            distort("shift", images, strength)
    with pytest.raises(InputError, match="24 images need as many positions, not 2"):
        distort("shift", images, 1, positions=[1, 2])
    with pytest.raises(InputError, match="no corruption 'smoke'"):
        corrupt("smoke", images)


def test_a_shift_is_one_to_any_of_four_sides(images: Array) -> None:
    shifted = distort("shift", images, 3)
    padded = np.pad(images, ((0, 0), (3, 3), (3, 3)))
    possible = {
        "right": padded[:, 3:-3, :-6], "left": padded[:, 3:-3, 6:], "down": padded[:, :-6, 3:-3], "up": padded[:, 6:, 3:-3],
    }  # fmt: skip
    sides = {
        side
        for place, image in enumerate(shifted)
        for side, others in possible.items()
        if (image == others[place]).all()
    }
    assert sides == set(possible)
    assert all(furthest(image, *(others[i] for others in possible.values())) == 0 for i, image in enumerate(shifted))


def test_turned_and_resized_as_torchvision_does_it(images: Array) -> None:
    turned, smaller, larger = (
        distort(name, images, by) for name, by in (("rotation", 30), ("scale", 0.65), ("scale", 1.4))
    )
    ways = set()
    for place, image in enumerate(images):
        both = [of_torchvision(image, angle=angle) for angle in (30.0, -30.0)]
        assert furthest(turned[place], *both) <= 1
        ways.add(furthest(turned[place], both[0]) <= 1)
        assert furthest(smaller[place], of_torchvision(image, scale=0.65)) <= 1
        assert furthest(larger[place], of_torchvision(image, scale=1.4)) <= 1
    assert ways == {True, False}, "some clockwise, some not"


def test_a_stroke_gains_or_loses_its_outermost_pixels() -> None:
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 10:16, 12:15] = 200
    grown = image.copy()
    grown[0, 9:17, 12:15] = grown[0, 10:16, 11:16] = 200
    shrunk = np.zeros_like(image)
    shrunk[0, 11:15, 13] = 200
    np.testing.assert_array_equal(distort("thickness", image, 1), grown)
    np.testing.assert_array_equal(distort("thickness", image, -1), shrunk)
    np.testing.assert_array_equal(distort("thickness", image, 0.5), image // 2 + grown // 2)
    assert distort("thickness", image, 2)[0, 12].tolist() == [0] * 10 + [200] * 7 + [0] * 11


def test_noise_is_normal_and_grows_with_its_strength() -> None:
    grey = np.full((60, 28, 28), 128, np.uint8)
    weak, strong = (signed(distort("noise", grey, by)) - 128 for by in (0.1, 0.2))
    assert weak.mean() == pytest.approx(0, abs=0.3)
    assert weak.std() == pytest.approx(0.1 * 255, rel=0.02)
    assert (abs(weak) < 0.1 * 255).mean() == pytest.approx(0.683, abs=0.01)
    inside = abs(strong) < 120
    np.testing.assert_allclose(strong[inside], 2 * weak[inside], atol=1.5)
    assert abs(np.corrcoef(weak[0].ravel(), weak[1].ravel())[0, 1]) < 0.15, "another for each image"


def test_blurred_as_torchvision_does_it(images: Array) -> None:
    blurred = distort("blur", images, 1.5)
    # Its kernel has to be told how far it reaches; mirrored at the edges there is background, as ink keeps away from them.
    pixels = torch.from_numpy(np.pad(images, ((0, 0), (8, 8), (8, 8))).astype(np.float32))
    expected = TF.gaussian_blur(pixels, [13, 13], [1.5, 1.5]).numpy()[:, 8:-8, 8:-8]
    np.testing.assert_allclose(blurred, expected, atol=0.6)


def test_contrast_pulls_everything_to_the_middle_grey(images: Array) -> None:
    np.testing.assert_array_equal(distort("contrast", images, -1), 255 - images)
    np.testing.assert_allclose(distort("contrast", images, 0.25), 127.5 + 0.25 * (images - 127.5), atol=0.51)


def test_the_hidden_patch_is_a_square_within_the_picture() -> None:
    full = np.full((200, 28, 28), 255, np.uint8)
    corners = set()
    for image in distort("occlusion", full, 8):
        rows, columns = np.nonzero(image == 0)
        top, left = rows.min(), columns.min()
        assert (len(rows), rows.max(), columns.max()) == (64, top + 7, left + 7)
        corners.add((top, left))
    tops, lefts = zip(*corners, strict=True)
    assert (min(tops), max(tops), min(lefts), max(lefts)) == (0, 20, 0, 20)


def test_undoing_the_preparation_changes_size_and_place_and_cuts_nothing_off() -> None:
    square = np.zeros((300, 28, 28), np.uint8)
    square[:, 4:24, 7:21] = 255  # 20 high, 14 wide
    for strength in (0.4, 1):
        out = distort("geometry", square, strength) >= 128
        rows, columns = out.any(2), out.any(1)
        heights, widths = rows.sum(1), columns.sum(1)
        low, high = 20 * (1 - 0.5 * strength), min(28, 20 * (1 + 0.4 * strength))
        assert heights.min() == pytest.approx(low, abs=1)
        assert heights.max() == pytest.approx(high, abs=1)
        np.testing.assert_allclose(widths / heights, 0.7, atol=0.11)
        middles = columns.argmax(1) + widths / 2 - 14
        assert (middles.min(), middles.max()) == (
            pytest.approx(-9 * strength, abs=2),
            pytest.approx(9 * strength, abs=2),
        )
    assert distort("geometry", np.zeros((2, 28, 28), np.uint8), 1).max() == 0


def test_one_digit_at_every_place() -> None:
    image = digit()
    everywhere = moved(image, 8)
    assert everywhere.shape == (17, 17, 28, 28)
    np.testing.assert_array_equal(everywhere[8, 8], image)
    np.testing.assert_array_equal(everywhere[8 + 3, 8 - 2][3:, :-2], image[:-3, 2:])
    assert everywhere[8 + 3, 8 - 2][:3].max() == everywhere[8 + 3, 8 - 2][:, -2:].max() == 0


def test_there_are_the_fifteen_of_mnist_c() -> None:
    assert list(CORRUPTIONS) == [
        "shot_noise", "impulse_noise", "glass_blur", "motion_blur", "shear", "scale", "rotate", "brightness", "translate",
        "stripe", "fog", "spatter", "dotted_line", "zigzag", "canny_edges",
    ]  # fmt: skip


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_the_same_for_all_who_ask(name: str, images: Array) -> None:
    state = torch.random.get_rng_state()
    harder = corrupt(name, images, seed=1)
    assert (harder.dtype.name, harder.shape) == ("uint8", images.shape)
    assert (harder != images).any((1, 2)).all()
    np.testing.assert_array_equal(corrupt(name, images[3:5], seed=1, positions=[3, 4]), harder[3:5])
    assert (corrupt(name, images, seed=2) != harder).any() == bool(CORRUPTIONS[name].n_draws)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_corruptions_that_only_move_pixels_move_them_as_torchvision_does(images: Array) -> None:
    made = {name: corrupt(name, images) for name in ("shear", "scale", "rotate", "translate")}
    lean = float(np.rad2deg(np.arctan(0.6)))
    for place, image in enumerate(images):
        sheared = [of_torchvision(image, shear=[degrees, 0.0]) for degrees in (lean, -lean)]
        assert furthest(made["shear"][place], *sheared) <= 1
        assert furthest(made["scale"][place], of_torchvision(image, scale=0.6)) <= 1
        assert (
            furthest(made["rotate"][place], *(of_torchvision(image, angle=degrees) for degrees in (30.0, -30.0))) <= 1
        )
    ink = images.astype(float)
    where, before = (
        np.stack([(values.sum(axis) @ np.arange(28)) / values.sum((1, 2)) for axis in (1, 2)], 1)
        for values in (made["translate"].astype(float), ink)
    )
    np.testing.assert_allclose(np.linalg.norm(where - before, axis=1), 4, atol=0.1)


def test_corruptions_of_single_pixels_by_hand(images: Array) -> None:
    np.testing.assert_allclose(corrupt("brightness", images), np.minimum(255, images + 127.5), atol=0.51)
    striped = corrupt("stripe", images)
    np.testing.assert_array_equal(striped[:, :, 11:17], 255 - images[:, :, 11:17])
    np.testing.assert_array_equal(np.delete(striped, range(11, 17), 2), np.delete(images, range(11, 17), 2))
    grey = np.full((80, 28, 28), 128, np.uint8)
    changed = corrupt("impulse_noise", grey)
    assert set(np.unique(changed)) == {0, 128, 255}
    assert (changed == 0).mean() == pytest.approx(0.1, abs=0.005)
    assert (changed == 255).mean() == pytest.approx(0.1, abs=0.005)
    counts = corrupt("shot_noise", np.full((80, 28, 28), 51, np.uint8)) / 51  # one photon expected
    for n, share in enumerate((np.exp(-1), np.exp(-1), np.exp(-1) / 2, np.exp(-1) / 6)):
        assert (counts == n).mean() == pytest.approx(share, abs=0.01)
    assert corrupt("shot_noise", np.zeros_like(grey)).max() == 0


def test_corruptions_that_smear_or_cover(images: Array) -> None:
    ink = images.sum((1, 2), dtype=np.int64)
    assert corrupt("motion_blur", images).sum((1, 2), dtype=np.int64) == pytest.approx(ink, rel=0.02)
    dot = np.zeros((20, 28, 28), np.uint8)
    dot[:, 12:16, 12:16] = 255
    rows, columns = np.nonzero(corrupt("motion_blur", dot)[0] > 5)
    assert max(np.ptp(rows), np.ptp(columns)) in range(8, 14)
    rows, columns = np.nonzero(corrupt("glass_blur", dot).max(0) > 5)
    assert {rows.min(), columns.min()} <= {8, 9, 10}, "at most two pixels away, and blurred"
    empty = np.zeros((40, 28, 28), np.uint8)
    assert (corrupt("spatter", empty) == 255).mean((1, 2)) == pytest.approx(np.full(40, 0.1), abs=0.002)
    fog = corrupt("fog", empty)
    assert (fog.max((1, 2)) == 128).all()
    assert abs(np.diff(signed(fog), axis=2)).mean() < fog.std() / 4, "clouds are smooth"
    dotted, zigzag = (corrupt(name, empty) for name in ("dotted_line", "zigzag"))
    assert (corrupt("zigzag", images) >= images).all()
    for lines in (dotted, zigzag):
        assert (lines.max((1, 2)) == 255).mean() > 0.9
        rows, columns = np.nonzero(lines[0])
        assert max(np.ptp(rows), np.ptp(columns)) >= 14, "it runs across"
    assert zigzag.mean() > 2 * dotted.mean()


def test_of_a_square_canny_leaves_the_outline() -> None:
    square = np.zeros((1, 28, 28), np.uint8)
    square[0, 8:20, 8:20] = 255
    (edges,) = corrupt("canny_edges", square)
    assert set(np.unique(edges)) == {0, 255}
    rows, columns = np.nonzero(edges)
    assert {rows.min(), columns.min()} <= {7, 8}
    assert {rows.max(), columns.max()} <= {19, 20}
    assert edges[10:18, 10:18].max() == 0
    assert [(edges[row] > 0).sum() for row in range(10, 18)] == [2] * 8
    assert corrupt("canny_edges", np.zeros_like(square)).max() == 0
