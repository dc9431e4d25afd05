"""A lock holds in a part of a page that is drawn anew alone, too."""

from __future__ import annotations

from functools import partial

import pytest
from streamlit.testing.v1 import AppTest, local_script_runner

from tests.pages.conftest import OpenPage, Train


def draw_parts_alone(at: AppTest, patch: pytest.MonkeyPatch) -> None:
    """What a message does that names all the parts which can be drawn without their page."""
    parts = list(at._fragment_storage._fragments)
    assert parts
    with patch.context() as inner:
        rerun = partial(local_script_runner.RerunData, fragment_id_queue=parts)
        inner.setattr(local_script_runner, "RerunData", rerun)
        at.run()
    assert not at.exception, at.exception


@pytest.mark.parametrize(
    ("page", "link", "lock", "key", "forged"),
    [
        ("robustness", {"view": "after_training", "damage": "noise"}, "damage", "robustness_damage", "prune"),
        ("robustness", {"view": "after_training", "damage": "noise", "draw": "7"}, "draw", "robustness_damage_draw", 3),
        ("robustness", {"distortion": "rotation"}, "distortion", "robustness_distortion", "shift"),
    ],
)  # fmt: skip
def test_a_part_that_is_drawn_alone_keeps_to_the_link(
    page: str, link: dict[str, str], lock: str, key: str, forged: object, open_page: OpenPage, train: Train,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    run = train("softmax", epochs=1)
    at = open_page(f"pages/lab/{page}/page.py", run=run.run_id, **link, lock=lock)
    assert not at.warning, at.warning[0].value
    kept = at.session_state[key]
    assert kept != forged
    at.session_state[key] = forged
    draw_parts_alone(at, monkeypatch)
    assert at.session_state[key] == kept
    assert at.query_params[lock] == link[lock]
