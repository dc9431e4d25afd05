"""Random numbers of one's own: the same that a run would draw, and none of anybody else's."""

from __future__ import annotations

import pytest
import torch

from core import models
from core.config import all_settings, run_config
from core.data.dataset import Dataset
from core.data.split import split
from core.engine.learner import Learner
from core.engine.seeds import derive
from core.machine.private_random import PrivateRandom

CPU = torch.device("cpu")


@pytest.mark.parametrize("name", list(models.TABLE))
def test_a_network_is_built_and_taught_as_by_the_global_generator_which_is_not_touched(
    name: str, tiny: Dataset
) -> None:
    wild = {"dropout": 0.3, "layers": 2}
    config = run_config(name, {one.name: wild[one.name] for one in all_settings(name) if one.name in wild})
    parts = split(tiny, config.data)
    images, labels = torch.from_numpy(tiny.train_images[:16].copy()), torch.from_numpy(tiny.train_labels[:16].copy())
    run = Learner(config, parts, CPU, total_steps=2)
    run.module.train()
    torch.manual_seed(7)
    wanted = [run.learn(images, labels, torch.Generator()) for _ in range(2)]

    before = torch.get_rng_state()
    with PrivateRandom(derive(config.training.seed, "weights")):
        module = models.get(name).build(config.model)
    own = Learner(config, parts, CPU, total_steps=2, module=module)
    own.module.train()
    private = PrivateRandom(7)
    for logits in wanted:
        with private:
            assert torch.equal(own.learn(images, labels, torch.Generator()), logits)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: torch.rand(5),
        lambda: torch.randn(2, 3),
        lambda: torch.randint(9, (4,)),
        lambda: torch.randperm(9),
        lambda: torch.empty(6).normal_(2, 3),
        lambda: torch.nn.init.trunc_normal_(torch.empty(6)),
        lambda: torch.nn.functional.dropout(torch.ones(50), 0.4),
        lambda: torch.bernoulli(torch.full((9,), 0.5)),
        lambda: torch.multinomial(torch.ones(9), 4),
    ],
)
def test_every_way_to_draw_is_private(draw: object) -> None:
    assert callable(draw)
    torch.manual_seed(3)
    wanted = draw()
    before = torch.get_rng_state()
    with PrivateRandom(3):
        numbers = draw()
    assert torch.equal(numbers, wanted)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_generator_that_is_handed_over_is_used() -> None:
    wanted = torch.rand(4, generator=torch.Generator().manual_seed(1))
    with PrivateRandom(2):
        assert torch.equal(torch.rand(4, generator=torch.Generator().manual_seed(1)), wanted)


def test_a_gpus_dropout_drops_its_share_and_keeps_the_mean() -> None:
    """That operation exists on the CPU, too, where nobody calls it."""
    before = torch.get_rng_state()
    with PrivateRandom(0):
        values, kept = torch.ops.aten.native_dropout(torch.ones(10_000), 0.25, True)
        same, all_kept = torch.ops.aten.native_dropout(torch.ones(9), 0.25, False)
    assert kept.float().mean() == pytest.approx(0.75, abs=0.02)
    assert torch.equal(values, kept / 0.75)
    assert torch.equal(same, torch.ones(9))
    assert all_kept.all()
    assert torch.equal(torch.get_rng_state(), before)
