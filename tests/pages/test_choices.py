"""What can be chosen on a page stands in its address, and a link that names it can lock it."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared.link_names import NAMES
from tests.pages.conftest import OpenPage, Train

# In the address · key of the widget · what it holds then · what a browser sends all the same.
Row = tuple[str, str, Any, Any]
VIEWS: dict[tuple[str, str], dict[str, Row]] = {
    ("learn/data", "part=samples"): {
        "split": ("test", "data_from", "test", "val"), "digits": ("3,8", "data_digits", [3, 8], [1]),
        "rows": ("2", "data_rows", 2, 9), "labels": ("yes", "data_captions", True, False),
        "seed": ("7", "data_seed", 7, 8), "part": ("samples", "data_tab", "Samples", "Variations"),
    },
    ("learn/data", "part=variations"): {
        "shift": ("3.0", "data_shift", 3.0, 1.0), "inverted": ("0.5", "data_inverted", 0.5, 0.0),
        "digit": ("3", "data_digit", 3, 4), "variant": ("2", "data_variant", 2, 5),
        "part": ("variations", "data_tab", "Variations", "Samples"),
    },
    ("learn/architectures", ""): {"part": ("layers", "architectures_part", "Layer by layer", "About")},
    ("lab/mistakes", "view=one_network"): {
        "split": ("val", "mistakes_on", "val", "test"), "shares": ("yes", "mistakes_shares", True, False),
        "truth": ("3", "mistakes_truth", "3", "4"), "read_as": ("8", "mistakes_predicted", "8", "any"),
    },
    ("lab/mistakes", "view=sure"): {
        "split": ("val", "mistakes_on", "val", "test"), "bins": ("count", "mistakes_bins", "count", "width"),
        "threshold": ("99.0", "mistakes_threshold", 99.0, 50.0),
        "temperature": ("yes", "mistakes_temperature", True, False),
    },
    ("lab/mistakes", "view=suspects"): {"least_sure": ("20", "mistakes_least_sure", 20, 30)},
    ("lab/compare", "view=board"): {
        "after": ("at", "board_at", "at", "last"), "epoch": ("2", "board_epoch", 2, 1),
        "filter": ("soft", "board_filter", "soft", "mlp"), "differences": ("yes", "board_differences", True, False),
        "baseline": ("{0}", "board_pinned", "{0}", "{1}"),
    },
    ("lab/compare", "view=curves"): {
        "x": ("step", "overlay_x", "step", "epoch"), "smoothing": ("0.5", "overlay_smoothing", 0.5, 0.2),
    },
    ("lab/compare", "view=cost"): {
        "cost": ("seconds", "pareto_x", "seconds", "n_params"), "quality": ("error", "pareto_y", "error", "accuracy"),
        "split": ("test", "pareto_split", "test", "val"),
    },
    ("lab/compare", "view=images"): {
        "right": ("both", "pairing_cell", "both", "neither"), "voters": ("{1}", "ensemble_{0}-{1}", ["{1}"], ["{0}"]),
        "a": ("{1}", "pairing_a", "{1}", "{0}"), "b": ("{0}", "pairing_b", "{0}", "{1}"),
    },
    ("lab/compare", "view=learned"): {
        "measure": ("never", "when_learned_measure", "never", "first"),
        "network": ("{1}", "when_learned_run", "{1}", "{0}"), "images": ("never", "when_learned_kind", "never", "late"),
        "a": ("{1}", "when_learned_a", "{1}", "{0}"),
    },
    ("lab/robustness", "view=after_training"): {
        "damage": ("noise", "robustness_damage", "noise", "prune"), "draw": ("7", "robustness_damage_draw", 7, 3),
    },
    ("lab/draw", ""): {
        "source": ("sample", "draw_source", "sample", "pad"), "sample": ("3", "draw_digit", 3, 4),
        "turn": ("2", "draw_turn", 2, 5), "crop": ("no", "draw_crop", False, True),
        "centre": ("no", "draw_centre", False, True),
    },
}  # fmt: skip


@pytest.mark.parametrize(("page", "view"), VIEWS)
def test_what_is_chosen_stands_in_the_address_and_a_link_locks_it(
    page: str, view: str, open_page: OpenPage, train: Train
) -> None:
    run_ids = [train(name).run_id for name in ("softmax", "mlp")] if page.startswith("lab") else []

    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [filled(part) for part in value]
        return value.format(*run_ids) if isinstance(value, str) else value

    rows = {name: tuple(map(filled, row)) for name, row in VIEWS[page, view].items()}
    query = dict([view.split("=")]) if view else {}
    if run_ids and view != "view=board":
        query["run"] = run_ids[0] if view == "view=one_network" else ",".join(run_ids)
    query |= {name: text for name, (text, *_) in rows.items()}
    path = f"pages/{page}/page.py"

    opened, at = query, open_page(path, **query)
    held = {key: at.session_state[key] for _, key, *_ in rows.values()}
    assert held == {key: value for _, key, value, _ in rows.values()}, "an open link fills them in"
    at.run()
    query = {name: text for name, text in query.items() if name not in ("view", "part")}  # of these the first leaves it
    assert dict(at.query_params).items() >= query.items(), "and they stay in the address"

    at = open_page(path, **opened, lock=",".join(rows))
    for _, key, _, forged in rows.values():
        at.session_state[key] = forged
    at.run()
    assert not at.exception, at.exception
    assert {key: at.session_state[key] for key in held} == held
    assert dict(at.query_params).items() >= query.items()
    assert rows.keys() <= NAMES[page.partition("/")[2]].keys()


@pytest.mark.parametrize(
    ("page", "first", "other"),
    [("inside", "layers", "why"), ("robustness", "strengths", "one_digit"), ("mistakes", "one_network", "sure")],
)
def test_a_link_means_the_same_whatever_was_looked_at_before(
    page: str, first: str, other: str, open_page: OpenPage, train: Train
) -> None:
    run_id, key = train("softmax").run_id, f"{page}_view"
    at = open_page(f"pages/lab/{page}/page.py", run=run_id, view=other)
    assert at.session_state[key] == other
    at.query_params.clear()  # the menu's address
    at.run()
    assert at.session_state[key] == other, "who comes back by the menu sees what he left"
    at.query_params.clear()
    at.query_params["run"] = run_id
    at.run()
    assert at.session_state[key] == first, "a link that names no view"
    next(control for control in at.get("button_group") if control.key == key).set_value(other).run()
    assert (at.session_state[key], at.query_params["view"]) == (other, other)


def page_of_choices() -> None:
    import streamlit as st

    from pages.shared.choices import Between, choose, pick_tab

    fruit = choose("Fruit", "fruit", "fruit", ["pear", "plum", "fig"], ["pear"], st.multiselect, several=True)
    number = choose("How many", "n", "n", Between(0, 9), 3, st.number_input)
    word = choose("Word", "word", "word", None, "", st.text_input)
    tabs = pick_tab("tab", "tab", {"one": "The first", "two": "The second"})
    st.text(f"{fruit} {number} {word!r} {[name for name, tab in tabs.items() if tab.open]}")


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({}, "['pear'] 3 '' ['one']"),
        ({"fruit": "fig,plum", "n": "7", "word": "moon", "tab": "two"}, "['fig', 'plum'] 7 'moon' ['two']"),
        ({"fruit": "none", "n": "0"}, "[] 0 '' ['one']"),
        ({"fruit": "fig,stone", "n": "10", "tab": "three"}, "['pear'] 3 '' ['one']"),
        ({"fruit": ",", "n": "²"}, "['pear'] 3 '' ['one']"),
        ({"n": "nan", "word": "x" * 200}, f"['pear'] 3 {'x' * 100!r} ['one']"),
    ],
)  # fmt: skip
def test_a_link_says_what_is_chosen_if_that_is_possible(query: dict[str, str], shown: str) -> None:
    at = AppTest.from_function(page_of_choices)
    for name, text in query.items():
        at.query_params[name] = text
    at.run()
    assert not at.exception, at.exception
    assert at.text[0].value == shown


def test_the_first_choice_leaves_the_address_and_none_stays() -> None:
    at = AppTest.from_function(page_of_choices)
    at.query_params["n"] = "7"
    at.run()
    at.multiselect(key="fruit").set_value([])
    at.number_input(key="n").set_value(3).run()
    assert dict(at.query_params) == {"fruit": "none"}
