"""The form: widgets from a declaration, links to values, values to links."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core import models
from core.config import TrainingConfig, run_config
from core.data.config import DataConfig
from core.fields import Config, settings
from pages.lab.train import link
from pages.shared.form import from_link


def draw(module: str, name: str, **state: Any) -> AppTest:
    def script(module: str, name: str) -> None:
        from importlib import import_module

        import streamlit as st

        from pages.shared.form import draw_form, read_form

        config_class = getattr(import_module(module), name)
        draw_form(config_class, "form")
        st.session_state["values"] = read_form(config_class, "form")

    at = AppTest.from_function(script, args=(module, name), default_timeout=60)
    for key, value in state.items():
        at.session_state[key] = value
    at.run()
    assert not at.exception, at.exception
    return at


CLASSES = [("core.data.config", DataConfig), ("core.config", TrainingConfig)] + [
    (models.TABLE[name].module, models.get(name).config) for name in models.TABLE
]


@pytest.mark.parametrize(("module", "config_class"), CLASSES, ids=lambda value: getattr(value, "__name__", ""))
def test_untouched_form_gives_the_declared_defaults(module: str, config_class: type[Config]) -> None:
    at = draw(module, config_class.__name__)
    assert config_class.model_validate(at.session_state["values"]) == config_class()


@pytest.mark.parametrize(("module", "config_class"), CLASSES, ids=lambda value: getattr(value, "__name__", ""))
def test_every_setting_has_one_widget_with_its_title_and_help(module: str, config_class: type[Config]) -> None:
    at = draw(module, config_class.__name__, form_more=True)
    for setting in settings(config_class):
        widget: Any = at.get_by_key(f"form_{setting.name}")
        assert widget.label.startswith(setting.title)
        assert widget.help == setting.help


def test_log_setting_takes_a_value_that_is_not_in_the_list() -> None:
    at = draw("core.config", "TrainingConfig", form_lr="0.0042").run()
    assert run_config("mlp", {"lr": at.session_state["values"]["lr"]}).training.lr == 0.0042


@pytest.mark.parametrize(
    ("module", "config_class", "name", "word"),
    [("core.data.config", DataConfig, "n_train", "all"), ("core.config", TrainingConfig, "patience", "off"),
     ("core.config", TrainingConfig, "max_steps", "no limit"), ("core.config", TrainingConfig, "clip_norm", "off")],
)  # fmt: skip
def test_a_word_stands_where_0_means_none_or_all_and_any_number_can_be_typed(
    module: str, config_class: type[Config], name: str, word: str
) -> None:
    at = draw(module, config_class.__name__, form_more=True)
    assert at.selectbox(key=f"form_{name}").options[0] == word
    assert at.selectbox(key=f"form_{name}").value == at.session_state["values"][name] == 0
    typed = draw(module, config_class.__name__, form_more=True, **{f"form_{name}": "7"})
    assert getattr(config_class.model_validate(typed.session_state["values"]), name) == 7


def test_thousands_stand_apart_and_may_be_typed_so() -> None:
    assert "10,000" in draw("core.data.config", "DataConfig").selectbox(key="form_n_train").options
    typed = draw("core.data.config", "DataConfig", form_n_train="12,500")
    assert DataConfig.model_validate(typed.session_state["values"]).n_train == 12_500


def test_how_many_images_to_learn_from_is_asked_at_once() -> None:
    assert "n_train" in keys(draw("core.data.config", "DataConfig"))


def test_unit_stands_in_the_label() -> None:
    assert draw("core.config", "TrainingConfig").selectbox(key="form_batch_size").label == "Batch size (images)"


def test_settings_beyond_the_basic_ones_are_folded() -> None:
    closed = draw("core.config", "TrainingConfig")
    at = draw("core.config", "TrainingConfig", form_more=True)
    folded = at.expander[0]
    assert folded.label == closed.expander[0].label == "More settings"
    assert not closed.expander[0].children  # two dozen widgets that nobody sees
    assert closed.session_state["values"] == at.session_state["values"]
    names = {setting.name for setting in settings(TrainingConfig) if not setting.basic}
    inside = [
        *folded.number_input,
        *folded.slider,
        *folded.selectbox,
        *folded.toggle,
        *folded.text_input,
        *folded.get("segmented_control"),
    ]
    assert {widget.key.removeprefix("form_") for widget in inside} == names


def test_link_gives_valid_values_and_names_bad_ones() -> None:
    values, notices = from_link("mlp", {"lr": "0.01", "widths": "32,16", "epochs": "lots", "dropout": "7"})
    assert values == {"lr": 0.01, "widths": (32, 16)}
    assert len(notices) == 2
    assert "Epochs (epochs) is 'lots', allowed is whole number, 1 to 1000" in " ".join(notices)
    assert "Dropout (dropout) is '7', allowed is 0 to 0.9" in " ".join(notices)


@pytest.mark.parametrize("architecture", list(models.TABLE))
def test_a_run_link_reads_back_as_the_same_config(architecture: str) -> None:
    config = run_config(architecture, {"lr": 0.0042, "val_fraction": 0.2, "shuffle": False, "optimizer": "sgd"})
    values, notices = from_link(architecture, config.link())
    assert not notices
    assert run_config(architecture, values) == config


def test_several_networks_share_a_link_and_keep_their_own_settings() -> None:
    def script() -> None:
        import streamlit as st

        from core.config import run_config
        from pages.lab.train import link

        link.write([run_config("mlp", {"widths": "8", "lr": 0.1}), run_config("cnn", {"widths": "9", "lr": 0.1})])
        st.session_state["written"] = st.query_params.to_dict()

    at = AppTest.from_function(script).run()
    assert at.session_state["written"] == {
        "architecture": "mlp,cnn", "dataset": "digits", "mlp.widths": "8", "cnn.widths": "9", "lr": "0.1",
    }  # fmt: skip


def test_form_keys_of_the_sections_never_collide() -> None:
    keys = [link.DATA, link.TRAINING, *(link.model_key(name) for name in models.TABLE)]
    assert len(set(keys)) == len(keys)


def test_validation_shares_name_image_counts_only_for_mnist() -> None:
    options = draw("core.data.config", "DataConfig", form_more=True).selectbox(key="form_val_fraction").options
    assert "1/6 (MNIST: 50,000 / 10,000)" in options
    assert not [option for option in options if "," in option and "MNIST" not in option]


def test_what_was_set_in_the_fold_holds_when_it_is_closed_again() -> None:
    at = draw("core.config", "TrainingConfig", form_more=True)
    at.number_input(key="form_seed").set_value(7).run()
    at.session_state["form_more"] = False
    at.run()
    assert at.session_state["values"]["seed"] == 7
    at.session_state["form_more"] = True
    assert at.run().number_input(key="form_seed").value == 7


def keys(at: AppTest) -> set[str]:
    widgets = [*at.number_input, *at.slider, *at.selectbox, *at.toggle, *at.text_input, *at.get("segmented_control")]
    return {widget.key.removeprefix("form_") for widget in widgets}


def test_a_setting_that_does_nothing_is_not_drawn_and_comes_back_with_its_value() -> None:
    at = draw("core.config", "TrainingConfig", form_more=True)
    at.slider(key="form_momentum").set_value(0.5).run()
    at.selectbox(key="form_optimizer").set_value("sgd").run()
    assert "momentum" not in keys(at)
    assert at.session_state["values"]["momentum"] == 0.9
    at.selectbox(key="form_optimizer").set_value("nesterov").run()
    assert at.slider(key="form_momentum").value == at.session_state["values"]["momentum"] == 0.5


def test_waiting_for_a_better_epoch_is_offered_where_one_is_looked_for() -> None:
    at = draw("core.config", "TrainingConfig", form_more=True, form_patience=3, form_monitor="last")
    assert not {"patience", "min_delta"} & keys(at)
    assert run_config("mlp", at.session_state["values"]).training.patience == 0


def test_what_is_read_without_a_form_is_what_the_form_holds() -> None:
    def script() -> None:
        import streamlit as st

        from core.config import TrainingConfig
        from pages.shared.form import read_form

        st.session_state["values"] = read_form(TrainingConfig, "form", suggested={"epochs": 7}, without=("lr",))

    at = AppTest.from_function(script).run()
    defaults = TrainingConfig().model_dump()
    assert at.session_state["values"] == {name: defaults[name] for name in defaults if name != "lr"} | {"epochs": 7}
    assert not keys(at)


@pytest.mark.parametrize(
    ("module", "name", "setting", "start", "picked"),
    [("core.config", "TrainingConfig", "tta_views", 5, 9), ("core.models.vit", "VitConfig", "heads", 4, 8),
     ("core.models.vit", "VitConfig", "patch", 7, 14)],
)  # fmt: skip
def test_a_choice_of_numbers_holds_numbers(module: str, name: str, setting: str, start: int, picked: int) -> None:
    at = draw(module, name, form_more=True, **{f"form_{setting}": start})
    assert at.session_state["values"][setting] == start
    at.get_by_key(f"form_{setting}").set_value(picked).run()  # type: ignore[attr-defined]
    assert at.session_state["values"][setting] == picked


def test_a_link_brings_numbers_into_the_form_and_says_what_does_nothing() -> None:
    def script() -> None:
        import streamlit as st

        from core.config import TrainingConfig
        from core.models.vit import VitConfig
        from pages.lab.train import link
        from pages.shared.form import read_form

        st.session_state["notices"] = link.follow()
        st.session_state["read"] = read_form(VitConfig, link.model_key("vit")) | read_form(
            TrainingConfig, link.TRAINING
        )

    at = AppTest.from_function(script)
    for name, value in {
        "architecture": "vit",
        "heads": "8",
        "looks": "5",
        "optimiser": "sgd",
        "momentum": "0.5",
    }.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    values = at.session_state["read"]
    assert (values["heads"], values["tta_views"], values["optimizer"], values["momentum"]) == (8, 5, "sgd", 0.9)
    assert at.session_state["notices"] == [
        "Of the link: Momentum (momentum) does nothing while Optimizer (optimizer) is SGD."
    ]
