"""Links that lock and hide: what is locked can not be changed, whatever a widget holds, and a challenge locks by itself."""

from __future__ import annotations

from core.config import run_config
from core.runs import challenges
from core.runs.challenges import Terms
from pages.shared import services
from pages.shared.networks import families
from tests.pages.conftest import OpenPage, settle, words

PAGE = "pages/lab/train/page.py"
TEACHER = "c" * 32


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
    at.button(key="locks_leave").click().run()
    assert "keeps these" not in words(at)


def test_a_challenge_locks_its_images_and_its_network_and_what_keeps_to_it_takes_part(open_page: OpenPage) -> None:
    store = services.store()
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
    at.number_input(key="train_training_epochs").set_value(2).run()
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
    at.button(key="locks_leave").click().run()
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
