"""The class set taken along: each form comes back as the same digits."""

from __future__ import annotations

import numpy as np
import pytest

from core import data
from core.data.class_set import Digits
from core.data.class_set_files import read_files
from core.errors import InputError
from core.export.class_set import CLASS_SET_TARGETS, export_class_set


@pytest.mark.parametrize("name", CLASS_SET_TARGETS)
def test_a_form_comes_back_as_the_same_digits(name: str) -> None:
    digits = Digits(data.load("digits").train_images[:12], data.load("digits").train_labels[:12])
    made = export_class_set(name, digits)
    back = read_files([(file.name, file.content) for file in made.files])
    order, expected = (np.lexsort((one.images.reshape(12, -1).sum(1), one.labels)) for one in (back, digits))
    assert np.array_equal(back.images[order], digits.images[expected])
    assert np.array_equal(np.sort(back.labels), np.sort(digits.labels))
    assert "12 digits" in made.sentence
    with pytest.raises(InputError, match="Nothing is kept"):
        export_class_set(name, digits.part(np.zeros(12, bool)))
