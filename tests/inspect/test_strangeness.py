"""Strangers are told by what a network's layers make of them or by the image; validation digits set both limits."""

from __future__ import annotations

import dataclasses
from typing import cast

import numpy as np
import pytest
import torch

from core.data.dataset import Dataset
from core.data.strangers import strangers
from core.errors import InputError
from core.inspect import image_judge
from core.inspect.strangeness import learn
from core.models.cnn import Cnn
from tests.inspect.networks import MEAN, STD, network, nothing_changed


def test_most_strangers_are_told_and_as_many_real_digits_pass_as_are_promised(digits: Dataset) -> None:
    module, images, labels = cast(Cnn, network("cnn")), digits.train_images, digits.train_labels
    before = torch.random.get_rng_state()
    with nothing_changed(module):
        made = learn(module, images[:400], labels[:400], images[400:600], MEAN, STD, 400, 40, 100, 50)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert (made.n_digits, made.n_strangers, made.n_val) == (400, 900, 200)
    passed = made.of(module, images[400:600], MEAN, STD) <= made.threshold
    n_by_image = (image_judge.score(images[400:600], made.image) > made.image_threshold).sum()
    assert n_by_image == 1, "of 200, the highest alone is above its limit"
    assert 1 <= 200 - passed.sum() <= 2, "the highest score of either kind"
    unseen = strangers(100, 1, images[600:])
    refused = made.of(module, unseen, MEAN, STD) > made.threshold
    assert refused.mean() > 0.3
    assert made.is_stranger(module, unseen[0], MEAN, STD) == refused[0]
    alone = np.concatenate([made.of(module, image[None], MEAN, STD) for image in unseen[:5]])
    np.testing.assert_allclose(alone, made.of(module, unseen[:5], MEAN, STD), rtol=1e-3, atol=1e-3)
    again = learn(module, images[:400], labels[:400], images[400:600], MEAN, STD, 400, 40, 100, 50)
    for name, value in dataclasses.asdict(made).items():
        np.testing.assert_equal(value, getattr(again, name))
    with pytest.raises(InputError, match="at least 100 validation images, and there are 99"):
        learn(module, images[:9], labels[:9], images[:99], MEAN, STD, 9, 9)
