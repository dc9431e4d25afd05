"""Links that lock and hide: what is locked can not be changed, whatever a widget holds, and a challenge locks by itself."""

from __future__ import annotations

import time
from collections.abc import Iterable
from urllib.parse import parse_qsl

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.compare.budget import Budget
from core.compare.plan import Question
from core.config import run_config
from core.runs import challenges, set_aside
from core.runs.challenges import Terms
from core.runs.groups import groups
from pages.lab.race.link import race_link, read_link
from pages.shared import services
from pages.shared.carried import packed
from pages.shared.link_names import NAMES, VARIATIONS
from pages.shared.networks import families
from tests.experiments.page_links import names_and_words
from tests.pages.conftest import OpenPage, Train, settle, words

PAGE = "pages/lab/train/page.py"
TEACHER = "c" * 32


def held(at: AppTest, keys: Iterable[str]) -> dict[str, object]:
    """What the session holds under these keys; a switch that is off is as good as one that was never drawn."""
    return {
        key: at.session_state[key] for key in keys if key in at.session_state and at.session_state[key] is not False
    }


def test_what_a_link_locks_or_hides_is_trained_as_the_link_says(open_page: OpenPage) -> None:
    link = {"architecture": "mlp", "widths": "16", "epochs": "1", "lr": "0.01"}
    at = open_page(PAGE, **link, lock="architecture,epochs,widths,momentum", hide="lr,optimizer,sparkle<b>")
    assert "'sparkle<b>'" in at.warning[0].value.replace("\\", "")
    epochs, widths = at.number_input(key="train_training_epochs"), at.text_input(key="train_mlp_widths")
    assert (epochs.disabled, widths.disabled, epochs.value, widths.value) == (True, True, 1, "16")
    assert "train_training_lr" not in {box.key for box in at.selectbox}
    assert "train_training_optimizer" not in {box.key for box in (*at.selectbox, *at.segmented_control)}
    assert all(at.pills(key=f"train_networks_{family}").disabled for family in families())
    assert "keeps these as they are: Networks, Hidden layers, Epochs, Momentum." in words(at)
    assert not [button for button in at.button if (button.key or "").startswith("start_")], "no ready-made experiment"
    # A browser that sends other values all the same.
    at.session_state["train_training_lr"], at.session_state["train_training_epochs"] = "0.5", 7
    at.session_state["train_networks_fully connected"] = []
    at.number_input(key="train_training_seed").set_value(5)
    at.button(key="train").click().run()
    settle(at)
    (run,) = services.store().runs()
    assert run.run_config() == run_config("mlp", {"widths": "16", "epochs": 1, "lr": 0.01, "seed": 5})
    assert dict(at.query_params).items() >= {"run": run.run_id, "lock": "architecture,epochs,widths,momentum"}.items()
    address = words(at).partition("[Open without these limits](train?")[2].partition(")")[0]
    assert dict(parse_qsl(address)) == {**link, "dataset": "digits"}


def test_a_link_to_a_run_that_locks_a_setting_leads_out_to_the_run(open_page: OpenPage, train: Train) -> None:
    run = train("softmax", epochs=1, n_train=300, lr=0.01)
    at = open_page(PAGE, run=run.run_id, lock="lr")
    assert f"keeps these as they are: Learning rate. [Open without these limits](train?run={run.run_id})" in words(at)


def test_a_challenge_locks_its_images_and_its_network_and_what_keeps_to_it_takes_part(open_page: OpenPage) -> None:
    store = services.store()
    of_others = store.create(run_config("softmax", {"n_train": 100, "epochs": 1}), name="Of a lesson")
    config = run_config("mlp", {"widths": "8", "epochs": 1, "n_train": 300})
    challenge_id = challenges.make(
        store, TEACHER, "Two *points*", "8b", config, Terms(max_epochs=2, max_n_params=10_000)
    )
    at = open_page(PAGE, challenge=challenge_id)
    assert "**Challenge: Two *points***" in words(at)
    assert "at least 2 percentage points better" in words(at)
    assert "with at most 2 epochs and 10,000 parameters." in words(at)
    assert at.selectbox(key="train_data_dataset").disabled
    assert at.text_input(key="train_mlp_widths").disabled
    epochs = at.number_input(key="train_training_epochs")
    assert not epochs.disabled
    epochs.set_value(3).run()
    assert "at most 2 epochs, and this is 3" in at.error[0].value.replace("\\", "")
    assert at.button(key="train").disabled
    at.number_input(key="train_training_epochs").set_value(1).run()
    assert "Change at least one setting first" in words(at)
    assert not at.button(key="train").disabled, "who wants to train the base run once more can"
    at.number_input(key="train_training_epochs").set_value(2).run()
    assert "Change at least one setting first" not in words(at)
    at.text_input(key="challenge_name").set_value("Ana")
    at.session_state["train_data_n_train"], at.session_state["train_mlp_widths"] = "all", "64"
    at.button(key="train").click().run()
    settle(at)
    base = challenges.get(store, challenge_id).config
    (entry,) = challenges.entries(store, challenge_id)
    assert entry.name == "Ana"
    assert store.run(entry.run_id).run_config() == run_config("mlp", base.flat() | {"epochs": 2})
    assert at.query_params["challenge"] == challenge_id
    assert "Challenge: Two" in words(at), "it goes on beside the curves"
    deadline = time.monotonic() + 30
    while "images that were set aside, one seed each; 95 % interval of the gain" not in words(at.run()):
        assert time.monotonic() < deadline, words(at)
        time.sleep(0.05)
    right = set_aside.right_before(
        store, store.runs(run_ids=[entry.run_id, challenges.get(store, challenge_id).base_run_id])
    )
    own, of_base = 100 * right.pop(entry.run_id).mean(), 100 * next(iter(right.values())).mean()
    assert f"**You: {own:.2f} %. Base run: {of_base:.2f} %." in words(at)
    assert "he goal" in words(at)
    names = {"Two *points*", "Network 1 of Two *points*"}
    assert set(at.dataframe[0].value["name"]) == names, "not what others train"
    assert store.run(of_others).name not in " ".join(at.multiselect(key="live").options)
    at.button(key="challenge_leave").click().run()
    assert "Challenge" not in words(at)
    assert "challenge" not in at.query_params
    at = open_page(PAGE, challenge=challenge_id, lr="0.1")
    assert "Challenge: Two" in words(at)
    assert at.selectbox(key="train_training_lr").value == 0.1, "a pupil who reloads the page finds it as it was"
    at.query_params.clear()
    at.query_params["architecture"] = "softmax"
    at.run()
    assert "Challenge: Two" not in words(at), "a link to other settings ends it"
    at = open_page(PAGE, challenge="0" * 32)
    assert "not there any more" in at.warning[0].value


def test_a_pupil_is_told_of_a_base_run_without_a_result(open_page: OpenPage) -> None:
    store = services.store()
    config = run_config("softmax", {"epochs": 1, "n_train": 300})
    challenge_id = challenges.make(store, TEACHER, "Lost", "", config, Terms())
    base_run_id = challenges.get(store, challenge_id).base_run_id
    at = open_page(PAGE, challenge=challenge_id)
    assert "The base run has no result yet. Waits to start." in words(at)
    store.request(base_run_id, "stop")
    shown = words(at.run())
    assert "The base run has no result to compare with." in shown
    assert "no result yet" not in shown
    store.delete(base_run_id)
    assert "The base run was deleted" in words(at.run())


def test_a_race_of_a_locked_link_is_planned_as_the_link_says(open_page: OpenPage) -> None:
    link = {
        "architecture": "softmax,mlp",
        "n_train": "100",
        "epochs": "1",
        "batch_size": "50",
        "seeds": "1",
        "mlp.widths": "8",
    }
    fixed = {"lock": "architecture,epochs,widths,seeds,vary", "hide": "n_train,lr,sparkle<b>"}
    at = open_page("pages/lab/race/page.py", **link, **fixed)
    assert "'sparkle<b>'" in at.warning[0].value.replace("\\", "")
    assert "keeps these as they are: Networks, Epochs, Hidden layers, Seeds, What varies, and its values." in words(at)
    epochs, seeds = at.number_input(key="race_training_epochs"), at.slider(key="race_seeds")
    assert (epochs.disabled, epochs.value, seeds.disabled, seeds.value) == (True, 1, True, 1)
    assert "race_data_n_train" not in {box.key for box in at.selectbox}
    implied = {control.key: control.disabled for control in at.get("button_group")}
    names = ("race_kind", "race_length", "race_match", "race_who_race", "race_networks_linear")
    assert all(implied[name] for name in names), "what would change a locked setting"
    # A browser that sends other values all the same.
    forged = {
        "race_kind": "aa_test", "race_length": "quick", "race_networks_linear": [], "race_training_epochs": 7, "race_seeds": 3,
        "race_data_n_train": 300, "race_training_lr": 0.5, "race_mlp_widths": "64", "race_mlp_differs": ["lr"],
        "race_mlp_learning_lr": 0.5, "race_who_race": "settings", "race_match": "parameters", "race_budget": "steps",
    }  # fmt: skip
    for key, value in forged.items():
        at.session_state[key] = value
    at.number_input(key="race_first_seed").set_value(5)
    at.button(key="race_start").click().run()
    settle(at)
    small = {"n_train": 100, "epochs": 1, "batch_size": 50, "seed": 5}
    runs = sorted(services.store().runs(), key=lambda run: run.number)
    assert [run.run_config() for run in runs] == [
        run_config("softmax", small), run_config("mlp", {**small, "widths": "8"})
    ]  # fmt: skip
    (group,) = groups(services.store())
    assert dict(at.query_params) == {**link, **fixed, "group": group.group_id}
    assert "[Open without these limits](race?architecture=softmax%2Cmlp&" in words(at)


def test_what_a_link_to_a_race_like_these_runs_locks_is_as_they_were_trained(open_page: OpenPage, train: Train) -> None:
    runs = [train("softmax", lr=0.01), train("mlp", lr=0.01, widths="8")]
    like = ",".join(run.run_id for run in runs)
    at = open_page("pages/lab/race/page.py", like=like, lock="epochs,widths,architecture")
    at.session_state["race_training_epochs"], at.session_state["race_mlp_widths"] = 9, "64"
    at.run()
    epochs = at.number_input(key="race_training_epochs")
    assert (epochs.value, epochs.disabled, at.session_state["race_mlp_widths"]) == (2, True, "8")
    assert at.session_state["race_training_lr"] == 0.01
    assert at.query_params["like"] == like


def test_a_view_that_a_link_locks_stays_and_so_does_the_link(open_page: OpenPage, train: Train) -> None:
    first, other = train("softmax"), train("mlp")
    link = {"run": first.run_id, "view": "unit", "lock": "run,view,digit", "hide": "unit,method,patch"}
    page = "pages/lab/inside/page.py"
    at = open_page(page, **link)
    assert not at.warning
    assert "keeps these as they are: Networks, View, Digit." in words(at)
    view, runs = next(control for control in at.get("button_group") if control.key == "inside_view"), at.multiselect[0]
    assert (view.disabled, view.value, runs.disabled, runs.value) == (True, "unit", True, [first.run_id])
    assert "Unit" not in " ".join(field.label for field in at.number_input)
    digit = at.query_params["digit"]
    at.session_state["inside_view"], at.session_state["inside_runs"] = "layers", [other.run_id]
    at.session_state["inside_digit"] = packed(np.zeros((28, 28), np.uint8))
    at.run()
    assert next(button for button in at.button if button.label == "Another test image").disabled
    assert at.query_params["digit"] == digit
    assert next(control for control in at.get("button_group") if control.key == "inside_view").value == "unit"
    assert at.multiselect[0].value == [first.run_id]
    at.switch_page("pages/learn/words/page.py").run()
    assert "keeps these" not in words(at), "another page has no part in it"
    at.query_params.clear()  # the menu's address
    at.switch_page(page).run()
    assert {name: at.query_params[name] for name in (*link, "digit")} == link | {"digit": digit}
    assert f"[Open without these limits](inside?run={first.run_id}&view=unit" in words(at)
    at = open_page(page, **{name: link[name] for name in ("run", "view")})
    at.session_state["inside_view"] = "layers"
    at.run()
    assert not {"lock", "hide"} & set(at.query_params)
    assert at.query_params["view"] == "layers"
    assert "keeps these" not in words(at)


@pytest.mark.parametrize(
    ("page", "name", "key", "forged"),
    [
        ("lab/robustness", "view", "robustness_view", "corruptions"), ("lab/mistakes", "view", "mistakes_view", "sure"),
        ("lab/compare", "view", "compare_view", "cost"), ("lab/draw", "pixels", "draw_pixels", True),
        ("learn/data", "dataset", "data_name", "mnist"), ("learn/architectures", "architectures", "architectures", ["gru"]),
    ],
)  # fmt: skip
def test_what_a_link_locks_at_a_value_that_can_not_be_stays_as_the_page_begins(
    page: str, name: str, key: str, forged: object, open_page: OpenPage, train: Train
) -> None:
    train("softmax", epochs=1)
    at = open_page(f"pages/{page}/page.py", **{name: "0", "lock": name})
    at.session_state["draw_source"] = "sample"  # where nothing is drawn, Draw asks for nothing
    begins = held(at.run(), [key])
    at.session_state[key] = forged
    assert held(at.run(), [key]) == begins


@pytest.mark.parametrize(
    "link",
    [
        {"vary": "lr="}, {"vary": "optimizer=nonsense"}, {"vary": "lr=~dropout=", "kind": "grid"}, {"kind": "grid"},
        {"architecture": "nonsense"}, {"vary": "lr=1", "kind": "grid"},
    ],
)  # fmt: skip
def test_what_a_race_s_link_locks_without_a_usable_value_stays_as_the_form_begins(
    link: dict[str, str], open_page: OpenPage
) -> None:
    at = open_page("pages/lab/race/page.py", **{"architecture": "mlp", "epochs": "3"} | link, lock="vary,epochs")
    forged = {"race_values_lr": "0.5 0.6", "race_values_dropout": "0.1 0.2", "race_values_optimizer": ["sgd", "adam"],
              "race_factor_0_mlp": "batch_size", "race_setting_mlp": "momentum"}  # fmt: skip
    begins = held(at, forged)
    for key, value in {**forged, "race_training_epochs": 9}.items():
        at.session_state[key] = value
    at.run()
    assert not at.exception
    assert held(at, forged) == begins
    assert at.session_state["race_training_epochs"] == 3


def test_a_later_link_without_locks_changes_nothing_that_is_locked(open_page: OpenPage) -> None:
    at = open_page("pages/lab/inside/page.py", view="why", lock="view")
    at.query_params.clear()
    at.query_params["view"] = "unit"
    at.run().run()
    assert (at.session_state["inside_view"], at.query_params["view"], at.query_params["lock"]) == ("why", "why", "view")


@pytest.mark.parametrize("page", ["lab/train", "lab/race", "learn/data"])
def test_a_link_that_locks_nothing_that_is_here_says_only_that(page: str, open_page: OpenPage) -> None:
    at = open_page(f"pages/{page}/page.py", hide="sparkle")
    assert "not here: 'sparkle'" in words(at)
    assert "keeps" not in " ".join(caption.value for caption in at.caption if "lock" in caption.value)


def test_every_choice_in_an_address_can_be_locked_by_its_name() -> None:
    for page in NAMES.keys() - {"train", "race"}:
        read = names_and_words(page)[0]
        # No text in the source holds these.
        own = NAMES[page].keys() - {"unit", "row", "column", "number", "pixel", *VARIATIONS}
        assert own <= read | {"a", "b", "digit"}
        elsewhere = {
            "run",
            "digit",
            "lock",
            "hide",
            "tip",
            "network",
            "view",
        }  # shared parts read these for pages that have them
        assert read - elsewhere <= NAMES[page].keys(), page


def test_what_a_race_asks_is_the_same_after_its_link_in_one_notation() -> None:
    mlp, small = run_config("mlp", {"widths": "16"}), run_config("lstm", {"hidden": 32, "lr": 0.01})
    question = Question("race", (mlp, small), (3, 4), Budget("steps", 300), "parameters")
    link = race_link(question, {})
    assert (link["mlp.widths"], link["lstm.lr"], link["budget"], link["first_seed"]) == ("16", "0.01", "steps:300", "3")
    filling = read_link(link)
    fields = {key: value for values in filling.fields.values() for key, value in values.items()}
    expected = {
        "race_kind": "race", "race_length": "full", "race_seeds": 2, "race_first_seed": 3, "race_budget": "steps",
        "race_amount_steps": 300, "race_match": "parameters", "race_lead": "mlp", "race_mlp_widths": "16",
        "race_lstm_hidden": 32, "race_lstm_differs": ["lr"], "race_lstm_learning_lr": 0.01, "race_training_lr": 0.001,
        "race_who_race": "networks",
    }  # fmt: skip
    assert {key: fields[key] for key in expected} == expected
    assert not filling.notices
    tuning = race_link(Question("tuning", (mlp,), (0,), trials=3, low=0.001, high=0.5), {})
    assert read_link(tuning).fields["lr_range"] == {"race_low": 0.001, "race_high": 0.5}
    assert read_link({"kind": "hunger", "sizes": "100,0"}).fields["sizes"] == {"race_sizes": [100, 0]}
    varied = race_link(Question("race", (mlp,), (0,)), {"widths": ["16", "64,32"]}, is_quick=True)
    assert (varied["vary"], "widths" in varied) == ("widths=16;64,32", False)
    old = {
        "architecture": "mlp",
        "dataset": "digits",
        "setting": "widths",
        "values": "16;64,32",
        "seeds": "1",
        "quick": "yes",
    }
    assert read_link(varied).fields == read_link(old).fields


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lr_range", "0:99"), ("trials", "1"), ("match", "luck"), ("sizes", "7"), ("budget", "steps:1e300"), ("quick", "?"),
    ],
)  # fmt: skip
def test_what_a_field_of_a_race_can_not_hold_is_said(name: str, text: str) -> None:
    (notice,) = read_link({"architecture": "mlp", name: text}).notices
    assert "can not be used" in notice
