"""One declaration: what it refuses, and that every derived form comes back to the same value."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import models
from core.config import DataConfig, RunConfig, all_settings, parse, run_config
from core.errors import ConfigError
from core.fields import Setting


def values_of(one: Setting) -> st.SearchStrategy[Any]:
    low, high = one.low or 0, one.high or 0
    match one.kind:
        case "bool":
            return st.booleans()
        case "choice":
            return st.sampled_from(one.choices)
        case "int":
            return st.integers(int(low), int(high))
        case "float":
            return st.floats(low, high)
        case "ints":
            return st.lists(st.integers(int(low), int(high)), min_size=one.min_length or 0, max_size=3).map(tuple)


@pytest.mark.parametrize("architecture", models.TABLE)
def test_every_setting_has_a_title_a_help_sentence_and_bounds(architecture: str) -> None:
    for one in all_settings(architecture):
        assert one.title != one.name, one.name
        assert one.help.endswith((".", "?")), one.name
        if one.kind in ("int", "float", "ints"):
            assert one.low is not None, one.name
            assert one.high is not None, one.name
        assert set(one.labels) <= set(one.choices), one.name


@pytest.mark.parametrize("architecture", models.TABLE)
def test_names_do_not_collide_between_sections(architecture: str) -> None:
    names = [one.name for one in all_settings(architecture)]
    assert len(names) == len(set(names))


@given(data=st.data(), architecture=st.sampled_from(list(models.TABLE)))
def test_a_config_survives_json_and_link(data: st.DataObject, architecture: str) -> None:
    values = {one.name: data.draw(values_of(one), one.name) for one in all_settings(architecture)}
    try:
        config = run_config(architecture, values)
    except ConfigError as error:  # the rules between settings
        assert any(word in str(error) for word in ("batch", "patience", "heads"))  # noqa: PT017
        return
    assert parse(config.model_dump(mode="json")) == config
    link = config.link()
    assert run_config(link.pop("architecture"), link) == config


@pytest.mark.parametrize("architecture", models.TABLE)
def test_a_value_outside_its_bounds_is_refused_by_name_with_the_value_and_what_is_allowed(architecture: str) -> None:
    for one in all_settings(architecture):
        if one.kind not in ("int", "float"):
            continue
        for bad in (one.low - 1, one.high + 1):  # type: ignore[operator]
            with pytest.raises(ConfigError) as caught:
                run_config(architecture, {one.name: bad})
            assert caught.value.fields == (one.name,)
            assert one.title in str(caught.value)
            assert repr(bad) in str(caught.value)
            assert one.allowed in str(caught.value)


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


def test_configs_are_frozen() -> None:
    config = run_config("mlp", {})
    with pytest.raises(ValueError, match="frozen"):
        config.training.lr = 1.0  # type: ignore[misc]
    assert isinstance(config, RunConfig)
    assert config.data == DataConfig()
