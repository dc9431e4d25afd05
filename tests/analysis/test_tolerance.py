"""What a change of a network costs is judged on the same images, and by all that is looked at together."""

from __future__ import annotations

import numpy as np
import pytest

from core.analysis.statistics import holm, mcnemar, paired
from core.analysis.tolerance import changes, first_loss, last_small

N = 1_000


def right(n_wrong: int = 0) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """N answers of which so many from the first on are wrong."""
    answers = np.ones(N, bool)
    answers[:n_wrong] = False
    return answers


def test_each_amount_stands_against_the_network_as_it_was() -> None:
    before, curve = right(20), [(0.0, right(20)), (0.1, right(20)), (0.5, right(24)), (0.9, right(400))]
    (of_one,) = changes([curve])
    assert [change.amount for change in of_one] == [0.1, 0.5, 0.9]
    assert [change.pair for change in of_one] == [paired(answers, before) for _, answers in curve[1:]]
    assert [change.pair.difference for change in of_one] == [0, -0.004, -0.38]
    plain = [1.0, mcnemar(0, 4)[1], mcnemar(0, 380)[1]]
    assert [change.p for change in of_one] == pytest.approx(holm(plain))
    assert [change.is_loss for change in of_one] == [False, False, True]


def test_more_that_is_looked_at_together_takes_more_to_be_more_than_luck() -> None:
    curve = [(0.0, right(20)), (0.5, right(26))]
    ((alone,),) = changes([curve])
    assert alone.is_loss
    together = changes([curve] * 4)
    assert not any(change.is_loss for of_one in together for change in of_one)
    gain = changes([[(0.0, right(400)), (0.5, right(20))]])[0][0]
    assert gain.p < 0.001
    assert not gain.is_loss, "to read more is no loss"


def test_a_small_loss_reaches_up_to_the_first_that_is_not() -> None:
    (of_one,) = changes([[(0.0, right()), (0.1, right(4)), (0.2, right(4)), (0.3, right(5)), (0.4, right(1))]])
    assert last_small(of_one).amount == 0.2
    assert last_small(of_one, small_loss=0.01).amount == 0.4
    assert last_small(of_one, small_loss=0.001) is None
    assert first_loss(of_one) is None
    assert changes([]) == []
    assert last_small([]) is None
