"""Train: what the form says is what is trained; every fault has a sentence and keeps what was typed."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core import models
from core.config import all_settings, run_config
from pages.shared import estimate, services
from pages.shared.networks import families
from pages.shared.status import duration
from tests.pages.conftest import OpenPage, Train, moving, settle, words

PAGE = "pages/lab/train/page.py"


def test_empty_page_offers_training_and_shows_parameters(open_page: OpenPage) -> None:
    at = open_page(PAGE, architecture="mlp")
    assert not at.button(key="train").disabled
    assert [button.key for button in at.button if button.proto.shortcut] == ["train"]
    assert "109,386 parameters" in words(at)
    assert not moving(at)
    held_out = "Of 1,415 training images, {} held out for validation."
    assert held_out.format("258 are") in words(at), "whole forms"
    assert "on the disk" not in words(at)
    at = open_page(PAGE, architecture="mlp", val_fraction="0", snapshots="epochs")
    assert held_out.format("none is") in words(at)
    assert "Keeps weights 6 times on the way, about 1.3 MB on the disk." in words(at)


def test_pressing_train_trains_what_the_form_says_and_shows_the_result(open_page: OpenPage) -> None:
    at = open_page(PAGE, architecture="mlp")
    at.text_input(key="train_mlp_widths").set_value("16")
    at.number_input(key="train_training_epochs").set_value(2)
    at.button(key="train").click().run()
    settle(at)
    (run,) = services.store().runs()
    assert run.status == "finished"
    assert run.run_config() == run_config("mlp", {"widths": "16", "epochs": 2})
    assert f"{100 * run.summary['test_acc']:.2f} %** test accuracy" in words(at)
    assert "382 test images; 95 % interval" in words(at)
    charts = moving(at)[-1]["snapshot"]["charts"]
    assert len(charts) == 2
    assert all("Validation" in chart["alt"] for chart in charts.values())
    (table,) = (frame.value for frame in at.dataframe)
    assert list(table) == ["name", "test (%)", "95 % interval", "parameters", "seconds", "status"]
    assert table["test (%)"].iloc[0] == 100 * run.summary["test_acc"]
    at.toggle(key="table_all_columns").set_value(True).run()
    (table,) = (frame.value for frame in at.dataframe)
    assert {"validation (%)", "network", "dataset", "test images"} <= set(table)


def test_without_hidden_layers_nothing_is_asked_about_them_and_what_was_chosen_comes_back(open_page: OpenPage) -> None:
    at = open_page(PAGE, architecture="mlp", activation="tanh", dropout="0.5")
    assert at.selectbox(key="train_mlp_activation").value == "tanh"
    at.text_input(key="train_mlp_widths").set_value("").run()
    gone = {"train_mlp_activation", "train_mlp_dropout", "train_mlp_batch_norm"}
    assert not gone & {widget.key for widget in (*at.selectbox, *at.slider, *at.checkbox, *at.toggle)}
    at.text_input(key="train_mlp_widths").set_value("16").run()
    assert at.selectbox(key="train_mlp_activation").value == "tanh"
    assert at.slider(key="train_mlp_dropout").value == 0.5


def test_folded_settings_are_not_drawn_and_still_count(open_page: OpenPage) -> None:
    at = open_page(PAGE, architecture="mlp", widths="16", epochs="1")
    at.session_state["settings"] = False
    at.run()
    assert [*at.text_input, *at.number_input, *at.slider] == [], "the browser would draw what nobody sees"
    assert "12,730 parameters" in words(at)
    at.button(key="train").click().run()
    settle(at)
    (run,) = services.store().runs()
    assert run.run_config() == run_config("mlp", {"widths": "16", "epochs": 1})
    at.session_state["change_settings"] = True  # folded away again, below the curves
    at.run()
    assert at.text_input(key="train_mlp_widths").value == "16"


def test_two_ticked_networks_become_two_runs_on_the_same_images(open_page: OpenPage) -> None:
    at = open_page(PAGE, architecture="mlp")
    at.pills(key="train_networks_linear").set_value(["softmax"])
    at.session_state["train_more"] = True
    at.run()
    at.number_input(key="train_training_epochs").set_value(1)
    at.number_input(key="train_data_split_seed").set_value(5)
    at.button(key="train").click().run()
    settle(at)
    first, second = services.store().runs()
    assert {first.architecture, second.architecture} == {"softmax", "mlp"}
    assert first.group == second.group != ""
    assert first.started["split_hash"] == second.started["split_hash"]
    assert set(at.multiselect(key="live").value) == {first.run_id, second.run_id}


def test_double_click_makes_one_run(open_page: OpenPage) -> None:
    at = open_page(PAGE, architecture="mlp")
    at.number_input(key="train_training_epochs").set_value(1).run()
    address = dict(at.query_params)
    at.button(key="train").click().run()
    at.query_params.clear()
    at.query_params.update(address)  # the second click comes from the page as it was
    at.run()
    at.button(key="train").click().run()
    assert len(services.store().runs()) == 1


@pytest.mark.parametrize(
    ("widths", "sentence"),
    [
        ("0", "each 1 to 4096 units"),
        ("9999", "each 1 to 4096 units"),
        ("a, b", "Hidden layers (widths)"),
        ("4 " * 9, "at most 8"),
    ],
)
def test_bad_setting_is_named_and_nothing_typed_is_lost(open_page: OpenPage, widths: str, sentence: str) -> None:
    at = open_page(PAGE, architecture="mlp")
    at.text_input(key="train_mlp_widths").set_value(widths).run()
    assert not at.exception
    assert sentence in at.error[0].value.replace("\\", "")
    assert at.button(key="train").disabled
    assert at.text_input(key="train_mlp_widths").value == widths


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ({"batch_norm": "true", "n_train": "1"}, "batch normalisation needs at least 2"),
        ({"val_fraction": "0", "patience": "2"}, "patience needs validation images"),
    ],
)
def test_too_few_images_for_the_settings_are_refused_before_a_run_exists(
    open_page: OpenPage, link: dict[str, str], words: str
) -> None:
    at = open_page(PAGE, architecture="mlp", dataset="digits", **link)
    at.session_state["finder"] = True
    at.run()
    assert not at.exception, at.exception
    assert words in at.error[0].value.replace("\\", "")
    assert at.button(key="train").disabled
    assert "finder_find" not in {button.key for button in at.button}, "there is nothing to search with"


@pytest.mark.parametrize(
    ("architecture", "sentence"),
    [("tinyvgg", "Muon moves no weight of Tiny VGG"), ("cnn", "Muon moves 3 matrices of Convolutional network (CNN)")],
)
def test_the_page_says_what_muon_moves(open_page: OpenPage, architecture: str, sentence: str) -> None:
    at = open_page(PAGE, architecture=architecture, optimizer="muon")
    assert sentence in words(at)
    assert not at.button(key="train").disabled
    assert "Muon moves" not in words(open_page(PAGE, architecture=architecture))


def test_network_that_does_not_fit_in_memory_is_refused_before_it_starts(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.machine.device.memory_bytes", lambda: 1_000_000)
    at = open_page(PAGE)
    assert "needs about" in at.error[0].value
    assert at.button(key="train").disabled


def test_link_fills_the_form(open_page: OpenPage) -> None:
    at = open_page(PAGE, architecture="mlp", lr="0.0042", widths="32,16", epochs="3")
    assert not at.warning
    assert at.selectbox(key="train_training_lr").value == "0.0042"
    assert at.text_input(key="train_mlp_widths").value == "32, 16"
    assert at.number_input(key="train_training_epochs").value == 3


@pytest.mark.parametrize(
    "query",
    [{"architecture": "vgg"}, {"lr": "banana"}, {"nonsense": "1"}, {"run": "no-such-run"}, {"run": "abcdef"},
     {"dropout": "1e999"}, {"widths": "<b>9</b>"}, {"architecture": ""}],
    ids=str,
)  # fmt: skip
def test_bad_link_gives_a_notice_and_a_working_page(open_page: OpenPage, query: dict[str, str]) -> None:
    at = open_page(PAGE, **query)
    assert at.warning
    assert not at.button(key="train").disabled


@pytest.mark.parametrize("name", ["architecture", "lr", "widths", "![x](http://example.org/y.png)", "run"])
def test_picture_in_a_link_stays_text(open_page: OpenPage, name: str) -> None:
    at = open_page(PAGE, **{name: "![x](http://example.org/y.png)"})
    assert at.warning
    assert not any("](http" in warning.value for warning in at.warning)


def test_address_is_a_link_to_the_settings(open_page: OpenPage) -> None:
    at = open_page(PAGE, architecture="mlp")
    at.slider(key="train_mlp_dropout").set_value(0.2).run()
    link = dict(at.query_params)
    assert link == {"architecture": "mlp", "dataset": "digits", "dropout": "0.2"}
    again = open_page(PAGE, **link)
    assert again.slider(key="train_mlp_dropout").value == 0.2


def test_settings_survive_a_page_change(open_page: OpenPage) -> None:
    at = open_page(PAGE, architecture="mlp")
    at.slider(key="train_mlp_dropout").set_value(0.2).run()
    at.query_params.clear()
    at.switch_page("pages/learn/home/page.py").run()
    at.switch_page(PAGE).run()
    assert at.slider(key="train_mlp_dropout").value == 0.2


def test_absent_dataset_points_to_the_data_page(open_page: OpenPage) -> None:
    at = open_page(PAGE)
    at.selectbox(key="train_data_dataset").set_value("mnist").run()
    assert "MNIST is not on this computer yet." in at.info[0].value
    assert at.button(key="train").disabled


@pytest.mark.mnist
def test_present_mnist_is_suggested(open_page: OpenPage) -> None:
    at = open_page(PAGE)
    assert at.selectbox(key="train_data_dataset").value == "mnist"
    assert at.selectbox(key="train_data_n_train").value == 10_000, "an answer within two minutes"
    assert open_page(PAGE, architecture="mlp", dataset="mnist").selectbox(key="train_data_n_train").value == 0


def ticked(at: AppTest) -> set[str]:
    """The networks that are ticked, whatever family they stand in."""
    return {name for family in families() for name in at.pills(key=f"train_networks_{family}").value}


def test_the_recommended_network_is_ticked_and_marked_at_first(open_page: OpenPage) -> None:
    at = open_page(PAGE)
    assert ticked(at) == {"compact"}
    marked = [label for family in families() for label in at.pills(key=f"train_networks_{family}").options
              if "recommended" in label]  # fmt: skip
    assert marked == ["Compact CNN, recommended"]


def test_every_network_stands_in_exactly_one_family(open_page: OpenPage) -> None:
    at = open_page(PAGE)
    shown = [label for family in families() for label in at.pills(key=f"train_networks_{family}").options]
    assert sorted(label.removesuffix(", recommended") for label in shown) == sorted(
        entry.title for entry in models.TABLE.values()
    )


def test_a_link_with_all_networks_ticks_all_and_keeps_the_page_short(open_page: OpenPage) -> None:
    at = open_page(PAGE, architecture=",".join(models.TABLE), epochs="1")
    assert not at.warning
    assert ticked(at) == set(models.TABLE)
    assert at.query_params["architecture"] == ",".join(models.TABLE)
    assert at.button(key="train").label == f"Train {len(models.TABLE)} networks"
    tabs = [tab.label for tab in at.tabs]
    assert tabs == [entry.title for entry in models.TABLE.values()], "one tab each, in the order of the table"
    (costs,) = [one for one in at.expander if one.label == "What each of them costs"]
    assert sum("parameters" in line.value for line in costs.markdown) == len(models.TABLE)


def test_no_network_ticked_means_nothing_to_train(open_page: OpenPage) -> None:
    at = open_page(PAGE)
    at.pills(key="train_networks_convolutional").set_value([]).run()
    assert not at.exception
    assert at.button(key="train").disabled


def test_queued_run_can_be_stopped_from_its_card(open_page: OpenPage) -> None:
    run_id = services.store().create(run_config("mlp", {}))
    at = open_page(PAGE)
    assert moving(at)[-1]["snapshot"]["cards"][run_id]["status"] == "Waits to start"
    at.button(key=f"live_stop_{run_id}").click().run()
    assert not at.exception, at.exception
    assert services.store().runs() == [], "it never began, so no list shows it"
    assert "Not begun, taken out of the queue: 1." in words(at)
    at.button(key="live_queue_undo").click().run()
    assert services.store().run(run_id).status in ("queued", "running")


def test_paused_run_offers_to_go_on(open_page: OpenPage) -> None:
    run_id = services.store().create(run_config("mlp", {"epochs": 1}), request="pause")
    at = open_page(PAGE, run=run_id)
    at.button(key=f"live_run_{run_id}").click().run()
    settle(at)
    assert services.store().run(run_id).status == "finished"


def test_diverged_run_is_explained(open_page: OpenPage, train: Train) -> None:
    run = train("mlp", optimizer="nesterov", lr=10.0, widths="64 64 64 64", batch_size=8)
    at = open_page(PAGE, run=run.run_id)
    assert run.status == "diverged"
    ((who, advice),) = moving(at)[-1]["snapshot"]["advice"]
    assert who == run.label
    assert "learning rate of 10" in advice


def test_run_link_works_with_the_beginning_of_an_id(open_page: OpenPage, train: Train) -> None:
    old, _new = train(epochs=1), train(epochs=1)
    at = open_page(PAGE, run=old.run_id[:-4])
    assert at.multiselect(key="live").value == [old.run_id]


def test_name_of_a_run_is_never_markup(open_page: OpenPage, train: Train) -> None:
    train(name="**bold** :red[x] <b> $x$ ![](http://example.org/x.png)", epochs=1)
    at = open_page(PAGE)
    assert not any("bold" in element.value for kind in (at.markdown, at.caption) for element in kind)


def test_deleted_run_comes_back_with_undo(open_page: OpenPage, train: Train) -> None:
    run = train(epochs=1)
    at = open_page(PAGE)
    at.session_state[f"table_{run.run_id}_1"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    at.run()
    next(button for button in at.button if button.label == "Delete").click().run()
    assert not services.store().runs()
    at.button(key="table_undo").click().run()
    assert [one.run_id for one in services.store().runs()] == [run.run_id]


def test_two_visitors_delete_the_same_run(open_page: OpenPage, train: Train) -> None:
    runs = [train(epochs=1), train(epochs=1)]
    at = open_page(PAGE)
    at.session_state[f"table_{runs[1].run_id}_2"] = {"selection": {"rows": [0, 1], "columns": [], "cells": []}}
    at.run()
    services.store().delete(runs[1].run_id)
    next(button for button in at.button if button.label == "Delete").click().run()
    assert not at.exception
    assert "This run was deleted" in at.error[0].value
    assert not services.store().runs()
    at.button(key="table_undo").click().run()
    assert [run.run_id for run in services.store().runs()] == [runs[0].run_id], "only what this visitor deleted"


def test_renaming_keeps_what_is_too_long_and_says_so(open_page: OpenPage, train: Train) -> None:
    run = train(epochs=1)
    at = open_page(PAGE)
    at.session_state[f"table_{run.run_id}_1"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    at.run()
    at.text_input(key=f"table_name_{run.run_id}").set_value("x" * 81).run()
    assert "at most 80" in at.error[0].value
    at.text_input(key=f"table_name_{run.run_id}").set_value("small net").run()
    assert services.store().run(run.run_id).name == "small net"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.84, "0.8 s"), (1.0, "1 s"), (45.2, "45 s"), (125, "2 min 5 s"), (4320, "1 h 12 min")]
)
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize("architecture", list(models.TABLE))
def test_looking_at_a_form_draws_no_random_number(architecture: str) -> None:
    """Runs in training share torch's generator with every page: one number taken from it would change their weights."""
    import torch

    from core.machine.device import preflight

    has_dropout = any(one.name == "dropout" for one in all_settings(architecture))
    config = run_config(architecture, {"dropout": 0.5} if has_dropout else {})
    before = torch.random.get_rng_state()
    preflight(config)
    guess = estimate.estimate_runs([config], [])
    assert guess is not None
    assert 0 < guess.low < guess.seconds < guess.high < 600
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_table_below_the_curves_holds_every_epoch_of_every_run(open_page: OpenPage, train: Train) -> None:
    runs = [train("softmax", epochs=2), train("mlp", epochs=3)]
    at = open_page(PAGE, run=",".join(run.run_id for run in runs))
    at.session_state["live_twin"] = True
    at.run()
    assert not at.exception, at.exception
    (table,) = (frame.value for frame in at.dataframe if "split" in frame.value)
    last = table[table["split"] == "val"].groupby("run")["epoch"].max()
    assert last.to_dict() == {run.label: run.config["training"]["epochs"] for run in runs}
