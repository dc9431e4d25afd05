"""One declaration: what it refuses, and that every derived form comes back to the same value."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core import models
from core.config import (
    DataConfig,
    RunConfig,
    TrainingConfig,
    all_settings,
    parse,
    run_config,
    sections,
    with_present_values,
)
from core.errors import ConfigError
from core.fields import SOME, Setting, settings


def values_of(setting: Setting) -> st.SearchStrategy[Any]:
    low, high = setting.low or 0, setting.high or 0
    match setting.kind:
        case "bool":
            return st.booleans()
        case "choice":
            return st.sampled_from(setting.choices)
        case "int":
            return st.integers(int(low), int(high))
        case "float":
            return st.floats(low, high)
        case "run":
            return st.sampled_from(["", "0123ab", "f" * 32])
        case "ints":
            numbers = st.integers(int(low), int(high))
            is_set = setting.name == "classes"
            return st.lists(numbers, min_size=setting.min_length or 0, max_size=3, unique=is_set).map(tuple)


@pytest.mark.parametrize("architecture", models.TABLE)
def test_every_setting_has_a_title_a_help_sentence_and_bounds(architecture: str) -> None:
    for setting in all_settings(architecture):
        assert setting.title != setting.name, setting.name
        assert setting.help.endswith((".", "?")), setting.name
        if setting.kind in ("int", "float", "ints"):
            assert setting.low is not None, setting.name
            assert setting.high is not None, setting.name
        assert set(setting.labels) <= set(setting.choices), setting.name


@pytest.mark.parametrize("architecture", models.TABLE)
def test_names_do_not_collide_between_sections(architecture: str) -> None:
    names = [setting.name for setting in all_settings(architecture)]
    assert len(names) == len(set(names))


@hypothesis_settings(deadline=None)  # a busy machine is no failure
@given(data=st.data(), architecture=st.sampled_from(list(models.TABLE)))
def test_a_config_survives_json_and_link(data: st.DataObject, architecture: str) -> None:
    values = {setting.name: data.draw(values_of(setting), setting.name) for setting in all_settings(architecture)}
    try:
        config = run_config(architecture, values)
    except ConfigError as error:  # the rules between settings
        assert any(word in str(error) for word in ("batch", "patience", "heads"))  # noqa: PT017
        return
    assert parse(config.model_dump(mode="json")) == config
    link = config.link()
    followed, written = run_config(link.pop("architecture"), link).flat(), config.flat()
    assert {name for name in written if followed[name] != written[name]} <= {
        setting.name for setting in all_settings(architecture) if not setting.applies(written)
    }


@pytest.mark.parametrize("architecture", models.TABLE)
def test_a_value_outside_its_bounds_is_refused_by_name_with_the_value_and_what_is_allowed(architecture: str) -> None:
    for setting in all_settings(architecture):
        if setting.kind not in ("int", "float"):
            continue
        for bad in (setting.low - 1, setting.high + 1):  # type: ignore[operator]
            with pytest.raises(ConfigError) as caught:
                run_config(architecture, {setting.name: bad})
            assert caught.value.fields == (setting.name,)
            assert setting.title in str(caught.value)
            assert repr(bad) in str(caught.value)
            assert setting.allowed in str(caught.value)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"lr": float("nan")}, "lr"),
        ({"lr": float("inf")}, "lr"),
        ({"lr": "fast"}, "lr"),
        ({"epochs": "1e9"}, "epochs"),
        ({"optimizer": "sgdd"}, "optimizer"),
        ({"widths": "128,x"}, "widths"),
        ({"widths": "5000"}, "widths"),
        ({"widths": ",".join(["8"] * 9)}, "widths"),
        ({"shuffle": "perhaps"}, "shuffle"),
        ({"hidden": 3}, "hidden"),
        ({"__class__": "x"}, "__class__"),
    ],
)
def test_bad_values_and_strangers_are_refused_by_name(values: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        run_config("mlp", values)
    assert field in caught.value.fields


def test_a_value_is_said_with_its_unit() -> None:
    labels = {setting.name: setting.label for setting in all_settings("mlp")}
    in_words = [
        labels["epochs"](1),
        labels["epochs"](2),
        labels["n_train"](45_000),
        labels["lr"](0.05),
        labels["shift"](1.0),
    ]
    assert in_words == ["1 epoch", "2 epochs", "45,000 images", "0.05", "1 pixel"]


@pytest.mark.parametrize(
    ("name", "word"), [("n_train", "all"), ("max_steps", "no limit"), ("patience", "off"), ("clip_norm", "off")]
)
def test_what_0_means_has_a_word_that_flags_and_links_may_say_and_stores_do_not(name: str, word: str) -> None:
    (setting,) = (setting for setting in all_settings("mlp") if setting.name == name)
    assert setting.label(0) == word
    assert setting.allowed.endswith(f"0 is {word}")
    assert "0" not in setting.help
    config = run_config("mlp", {name: word.upper()})
    assert config == run_config("mlp", {name: "0"}) == run_config("mlp", {})
    assert config.flat()[name] == 0
    with pytest.raises(ConfigError):
        run_config("mlp", {name: "none of it"})


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        run_config("mlp", {"lr": 50, "epochs": 0})
    assert set(caught.value.fields) == {"lr", "epochs"}


def test_an_unknown_architecture_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="softmax, mlp, cnn"):
        run_config("perceptron", {})
    with pytest.raises(ConfigError, match="softmax, mlp, cnn"):
        parse({"architecture": "perceptron", "model": {}, "data": {}, "training": {}})


def test_settings_that_can_not_go_together_are_refused() -> None:
    with pytest.raises(ConfigError, match="batch_size is 1"):
        run_config("mlp", {"batch_size": 1, "batch_norm": True})
    with pytest.raises(ConfigError, match="val_fraction is 0"):
        run_config("mlp", {"patience": 3, "val_fraction": 0})


@pytest.mark.parametrize(
    ("architecture", "values", "n_images", "words"),
    [
        ("mlp", {"batch_norm": True, "n_train": 1}, 60_000, "leaves 1 of the 60,000 training images"),
        ("resnet", {"n_train": 1}, 60_000, "batch normalisation needs at least 2"),
        ("resnet", {"val_fraction": 0.5}, 2, "leaves 1 of the 2 training images"),
        ("mlp", {"dataset": "mnist", "val_fraction": 0.0003, "patience": 1}, 1_437, "is none of the 1,437 training"),
        ("mlp", {"val_fraction": 0.0003, "patience": 1}, 1_415, "is none of the 1,415 training"),  # digits, by form
        ("mlp", {"val_fraction": 0.5}, 0, "leaves none of the 0 training images"),
    ],
)
def test_too_few_images_for_the_settings_are_refused(
    architecture: str, values: dict[str, Any], n_images: int, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        run_config(architecture, values).check_images(n_images)


@pytest.mark.parametrize(
    ("architecture", "values", "n_images"),
    [
        ("mlp", {"n_train": 1}, 60_000),
        ("mlp", {"batch_norm": True, "n_train": 2}, 60_000),
        ("resnet", {"n_train": 65, "batch_size": 64}, 60_000),  # the last batch of one image joins the one before it
        ("mlp", {"dataset": "mnist", "val_fraction": 0.0003, "patience": 1}, 60_000),
        ("mlp", {"val_fraction": 0.001, "patience": 1}, 1_415),  # one embedded digit: its whole form is held out
        ("mlp", {"val_fraction": 0.0}, 1),
    ],
)
def test_just_enough_images_are_enough(architecture: str, values: dict[str, Any], n_images: int) -> None:
    assert run_config(architecture, values).check_images(n_images) is None  # nothing is refused


def test_configs_are_frozen() -> None:
    config = run_config("mlp", {})
    with pytest.raises(ValueError, match="frozen"):
        config.training.lr = 1.0  # type: ignore[misc]
    assert isinstance(config, RunConfig)
    assert config.data == DataConfig()


def test_a_setting_acts_under_values_of_another_choice_of_its_config() -> None:
    for section in (DataConfig, TrainingConfig, *(models.get(name).config for name in models.TABLE)):
        by_name = {setting.name: setting for setting in settings(section)}
        for setting in by_name.values():
            for name, values in setting.applies_when.items():
                if values is SOME:
                    assert by_name[name].kind == "ints"
                else:
                    assert set(values) < set(by_name[name].choices)
                assert by_name[name].default in values, "a form begins with all of its fields"


def test_what_follows_a_hidden_layer_does_nothing_where_there_is_none() -> None:
    names = ["activation", "dropout", "batch_norm"]
    settings = {"activation": "tanh", "dropout": 0.5, "batch_norm": True}
    flat = run_config("mlp", {**settings, "widths": ()})
    assert flat.link() == {"architecture": "mlp", "widths": ""}
    assert flat.idle_sentences(names) == [
        f"{title} does nothing while Hidden layers (widths) is none."
        for title in ("Activation (activation)", "Dropout (dropout)", "Batch normalisation (batch_norm)")
    ]
    assert not run_config("mlp", {**settings, "widths": (8,)}).idle_sentences(names)


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop"])
def test_momentum_does_nothing_there_and_is_said_to(optimizer: str) -> None:
    config = run_config("mlp", {"optimizer": optimizer, "momentum": 0.5})
    assert config.training.momentum == 0.5
    assert "momentum" not in config.link()
    (sentence,) = config.idle_sentences(["momentum", "lr"])
    assert sentence.startswith("Momentum (momentum) does nothing while Optimizer (optimizer) is ")
    assert not config.idle_sentences(["lr"])
    assert run_config("mlp", {"momentum": 0.5}).link() == {"architecture": "mlp", "momentum": "0.5"}


@pytest.mark.parametrize(
    ("architecture", "name", "text", "value"),
    [("mlp", "tta_views", "5", 5), ("mlp", "looks", "9", 9), ("vit", "heads", "8", 8), ("mixer", "patch", "14", 14)],
)
def test_a_choice_of_numbers_is_read_from_text_everywhere(architecture: str, name: str, text: str, value: int) -> None:
    config = run_config(architecture, {name: text})
    present = {"looks": "tta_views"}.get(name, name)
    assert config.flat()[present] == value
    assert type(config.flat()[present]) is int
    assert config == run_config(architecture, {name: value})
    section = next(key for key, part in sections(architecture).items() if present in part.model_fields)
    stored = {**config.model_dump(mode="json"), section: {name: text}}
    assert parse(stored) == config
    assert with_present_values(stored)[section] == {present: value}
    assert run_config(architecture, {present: config.link()[present]}) == config
    with pytest.raises(ConfigError, match="allowed is one of"):
        run_config(architecture, {name: "3"})


def test_what_stored_values_are_called_now_is_found_without_checking_them() -> None:
    stored = {"architecture": "vit", "model": {"heads": "7"}, "training": {"optimiser": "best", "stranger": 1}}
    assert with_present_values(stored) == {
        "architecture": "vit", "model": {"heads": 7}, "training": {"optimizer": "best", "stranger": 1}
    }  # fmt: skip
    gone = {"architecture": "gone", "model": {"sides": "5"}, "training": {"looks": "5"}}
    assert with_present_values(gone) == {"architecture": "gone", "model": {"sides": 5}, "training": {"tta_views": 5}}


def test_no_setting_of_a_network_has_an_old_name() -> None:
    """``with_present_values`` asks a network's own file only about numbers that are written as text."""
    assert not [setting for name in models.TABLE for setting in settings(models.get(name).config) if setting.old_names]
