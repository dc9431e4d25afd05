"""Strangers are told from digits by what a network makes of them; the limit is the validation digits' own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.data.dataset import Dataset
from core.data.strangers import strangers
from core.errors import InputError
from core.inspect import strangeness
from core.inspect.strangeness import REAL_SHARE, learn
from tests.inspect.networks import MEAN, STD, every_architecture, network, nothing_changed


def test_most_strangers_are_told_and_as_many_real_digits_pass_as_are_promised(digits: Dataset) -> None:
    module, images, labels = network("mlp"), digits.train_images, digits.train_labels
    others = strangers(400, 0, images[:400])
    before = torch.random.get_rng_state()
    read: list[int] = []
    with nothing_changed(module):
        made = learn(module, images[:400], labels[:400], others, images[400:600], MEAN, STD, read.append)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert read[-1] >= 1_000, "digits, some of them as others write, strangers and validation digits"
    assert (made.n_strangers, made.n_val, len(made.digits)) == (400, 200, 400)
    passed = made.of(module, images[400:600], MEAN, STD) <= made.threshold
    assert passed.mean() == pytest.approx(REAL_SHARE, abs=0.005)
    unseen = strangers(100, 1, images[600:])
    refused = made.of(module, unseen, MEAN, STD) > made.threshold
    assert refused.mean() > 0.5
    assert (made.of(module, images[600:900], MEAN, STD) > made.threshold).mean() < 0.1
    assert made.is_stranger(module, unseen[0], MEAN, STD) == refused[0]
    again = learn(module, images[:400], labels[:400], others, images[400:600], MEAN, STD)
    assert again.threshold == made.threshold
    with pytest.raises(InputError, match="at least 100 validation images, and this run has 99"):
        learn(module, images[:9], labels[:9], others[:9], images[:99], MEAN, STD)


@every_architecture
def test_every_architecture_can_be_asked(name: str, digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strangeness, "MIN_VALIDATION", 4)
    module, images = network(name), digits.train_images
    made = learn(module, images[:12], digits.train_labels[:12], images[20:30].swapaxes(1, 2), images[30:34], MEAN, STD)
    assert 1 <= len(made.parts) <= strangeness.MAX_PARTS
    measured = made.of(module, images[:3], MEAN, STD)
    assert measured.shape == (3,)
    assert np.isfinite(measured).all()
    alone = [made.of(module, image[None], MEAN, STD)[0] for image in images[:3]]
    np.testing.assert_allclose(alone, measured, rtol=1e-2, atol=1e-2)
