"""MNIST: accepted in every honest packing, refused in every other, and the constants of the real one."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.data import mnist
from core.data.dataset import Dataset
from core.data.drawn import to_digit
from core.data.label_errors import label_errors
from core.errors import DataError


def put(folder: Path, files: dict[str, bytes], ending: str = ".gz") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}{ending}").write_bytes(gzip.compress(content, 1) if ending == ".gz" else content)


@pytest.mark.parametrize("folder", ["mnist", "MNIST/raw"])
@pytest.mark.parametrize("ending", [".gz", ""])
def test_files_are_found_where_people_keep_them(
    tmp_path: Path, small_mnist: dict[str, bytes], folder: str, ending: str
) -> None:
    assert not mnist.is_present(tmp_path)
    put(tmp_path / folder, small_mnist, ending)
    assert mnist.is_present(tmp_path)
    dataset = mnist.load(tmp_path)
    assert dataset.train_images.shape == (30, 28, 28)
    assert dataset.test_labels.shape == (10,)
    assert dataset.train_images.tobytes() == small_mnist["train-images-idx3-ubyte"][16:]
    assert dataset.train_labels.dtype == np.int64
    assert set(dataset.hashes) == set(small_mnist)


@pytest.mark.parametrize("ending", [".gz", ""])
def test_names_with_a_dot_are_found(tmp_path: Path, small_mnist: dict[str, bytes], ending: str) -> None:
    put(tmp_path / "mnist", {name.replace("-idx", ".idx"): content for name, content in small_mnist.items()}, ending)
    assert len(mnist.load(tmp_path).test_images) == 10


@pytest.mark.parametrize("ending", [".gz", ""])
@pytest.mark.parametrize("mark", ["-", "."])
def test_one_folder_per_file_is_found(tmp_path: Path, small_mnist: dict[str, bytes], ending: str, mark: str) -> None:
    for name, content in small_mnist.items():
        folder = tmp_path / "mnist" / name
        put(folder, {name.replace("-idx", f"{mark}idx"): content}, ending)
    assert mnist.is_present(tmp_path)
    assert len(mnist.load(tmp_path).test_images) == 10


def test_a_missing_file_is_named_with_what_to_do(tmp_path: Path, small_mnist: dict[str, bytes]) -> None:
    small_mnist.pop("t10k-labels-idx1-ubyte")
    put(tmp_path / "mnist", small_mnist)
    assert not mnist.is_present(tmp_path)
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte is missing.*Download"):
        mnist.load(tmp_path)


@pytest.mark.parametrize("name", mnist.FILES)
def test_one_changed_value_in_any_file_is_refused(tmp_path: Path, small_mnist: dict[str, bytes], name: str) -> None:
    content = bytearray(small_mnist[name])
    content[-1] = (content[-1] + 1) % 10
    put(tmp_path / "mnist", small_mnist | {name: bytes(content)})
    with pytest.raises(DataError, match=f"{name}.gz.*SHA-256"):
        mnist.load(tmp_path)


@pytest.mark.parametrize("name", mnist.FILES)
def test_a_torn_copy_does_not_hide_a_good_one(tmp_path: Path, small_mnist: dict[str, bytes], name: str) -> None:
    put(tmp_path / "mnist", small_mnist)
    put(tmp_path / "MNIST/raw", small_mnist, "")
    path = tmp_path / "mnist" / f"{name}.gz"
    path.write_bytes(path.read_bytes()[:-20])
    assert len(mnist.load(tmp_path).train_images) == 30
    (tmp_path / "MNIST/raw" / name).unlink()
    with pytest.raises(DataError, match=f"{name}.gz: .*ends too early"):
        mnist.load(tmp_path)


def test_the_arrays_can_not_be_written_to(tmp_path: Path, small_mnist: dict[str, bytes]) -> None:
    put(tmp_path / "mnist", small_mnist)
    dataset = mnist.load(tmp_path)
    with pytest.raises(ValueError, match="read-only"):
        dataset.train_images[0, 0, 0] = 1


@pytest.mark.mnist
class TestTheRealOne:
    """Constants that a correct copy of MNIST has; measured once on files with the published SHA-256."""

    def test_sizes_and_class_counts(self, real_mnist: Dataset) -> None:
        assert real_mnist.train_images.shape == (60_000, 28, 28)
        assert real_mnist.test_images.shape == (10_000, 28, 28)
        train = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
        test = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
        assert np.bincount(real_mnist.train_labels).tolist() == train
        assert np.bincount(real_mnist.test_labels).tolist() == test

    def test_mean_and_deviation_of_the_test_pixels(self, real_mnist: Dataset) -> None:
        pixels = real_mnist.test_images / 255
        assert pixels.mean() == pytest.approx(0.1325146, abs=5e-8)
        assert pixels.std() == pytest.approx(0.3104802, abs=5e-8)

    def test_share_of_background_and_of_full_ink(self, real_mnist: Dataset) -> None:
        images = real_mnist.train_images
        assert np.mean(images == 0) == pytest.approx(0.8088, abs=5e-5)
        assert np.mean(images == 255) == pytest.approx(0.0067, abs=5e-5)
        flat = images.reshape(len(images), -1)
        assert np.count_nonzero(flat.min(axis=0) == flat.max(axis=0)) == 67

    def test_no_image_occurs_twice(self, real_mnist: Dataset) -> None:
        both = np.concatenate((real_mnist.train_images, real_mnist.test_images)).reshape(70_000, -1)
        assert len({row.tobytes() for row in both}) == 70_000

    def test_the_longest_side_of_the_ink_is_20_pixels(self, real_mnist: Dataset) -> None:
        for images, exact in ((real_mnist.train_images, 59_987), (real_mnist.test_images, 9_997)):
            sides = []
            for axis in (1, 2):
                ink: NDArray[np.bool_] = images.max(axis=axis) > 0
                sides.append(28 - ink.argmax(axis=1) - ink[:, ::-1].argmax(axis=1))
            longest = np.maximum(*sides)
            assert np.bincount(longest).nonzero()[0].tolist() == [19, 20]
            assert np.count_nonzero(longest == 20) == exact

    def test_the_centre_of_mass_lies_on_index_14(self, real_mnist: Dataset) -> None:
        mass = real_mnist.train_images.sum(axis=(1, 2), dtype=np.int64)
        for axis, mean in ((2, 13.996), (1, 14.007)):
            along = real_mnist.train_images.sum(axis=axis, dtype=np.int64) @ np.arange(28) / mass
            assert np.abs(along - 14).max() < 0.53
            assert along.mean() == pytest.approx(mean, abs=1e-3)
            assert along.std() == pytest.approx(0.29, abs=0.005)

    def test_the_way_of_a_drawing_returns_mnist_pixel_by_pixel(self, real_mnist: Dataset) -> None:
        same = sum(np.array_equal(to_digit(image).image, image) for image in real_mnist.test_images)
        assert same >= 9_997

    def test_its_known_wrong_labels_are_those_of_the_published_votes(self, real_mnist: Dataset) -> None:
        errors = sorted(label_errors(real_mnist.test_labels))
        assert real_mnist.test_labels[errors].tolist() == [8, 0, 9, 4, 2, 5, 6, 6, 5, 5, 0, 1, 4, 6, 5]
        assert not label_errors(real_mnist.train_labels)
        assert not label_errors(np.roll(real_mnist.test_labels, 1)), "other files have other faults"
