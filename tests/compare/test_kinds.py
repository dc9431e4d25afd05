"""The kinds of comparison: each is one record, and a further one is one file and its name in the table."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import pytest
from comparisons import LENGTHS, race
from stored_runs import ended, launched, read_back

from core.cli.race import add_race_flags, question_of
from core.compare import kinds
from core.compare.kinds.kind import Kind
from core.compare.plan import Factor, Question
from core.compare.results import as_values, rounds
from core.config import RunConfig, all_settings, run_config
from core.errors import ConfigError
from core.runs.store import Store, runs_root

N = 1415
CONTESTANTS = (run_config("softmax", {}), run_config("mlp", {}))


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store(runs_root())
    yield opened
    opened.close()


@pytest.fixture
def with_lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "KINDS", {**kinds.KINDS, LENGTHS.id: LENGTHS})


@pytest.mark.usefixtures("with_lengths")
def test_a_further_kind_is_planned_stored_and_judged_by_its_record_alone(store: Store) -> None:
    plan = kinds.plan(Question("lengths", CONTESTANTS, (0,)), n_images=N)
    assert (plan.kind, plan.name, plan.notes) == (
        "lengths",
        "Softmax regression against MLP",
        ("There are 1,415 images.",),
    )
    assert [config.training.epochs for config in plan.configs] == [1, 1, 2, 2]
    group_id, run_ids = launched(store, plan)
    for place, run_id in enumerate(run_ids):
        ended(store, run_id, val=0.5, test=0.5 + 0.1 * place)
    (only,) = rounds(*read_back(store, group_id))
    assert [[run.run_id for run in member.runs] for member in only.members] == [[run_ids[2]], [run_ids[3]]]
    values = as_values(*read_back(store, group_id))
    assert [row["test_mean"] for row in values["conditions"]] == pytest.approx([0.7, 0.8])
    assert [pair["difference"] for pair in values["comparisons"]] == pytest.approx([-0.1])


@pytest.mark.usefixtures("with_lengths")
def test_the_command_line_offers_a_further_kind() -> None:
    parser = argparse.ArgumentParser()
    add_race_flags(parser)
    assert "lengths: one epoch against two." in " ".join(parser.format_help().split())
    flags = ["--architectures", "mlp,softmax", "--kind", "lengths"]
    assert question_of(parser.parse_args(flags)).kind == "lengths"
    with pytest.raises(ConfigError, match="epochs: a lengths sets this itself"):
        question_of(parser.parse_args([*flags, "--set", "epochs=3"]))
    with pytest.raises(ConfigError, match="--trials belongs to --kind tuning, not to lengths"):
        question_of(parser.parse_args([*flags, "--trials", "3"]))


@pytest.mark.usefixtures("with_lengths")
def test_every_run_of_a_plan_is_checked_against_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def preflight(config: RunConfig, n_images: int | None = None) -> int:
        if config.training.epochs > 1:
            raise ConfigError("two epochs do not fit", ("epochs",))
        return 0

    question = Question("lengths", CONTESTANTS, (0,))
    assert kinds.checked_plan(question, n_images=N) == kinds.plan(question, n_images=N)
    monkeypatch.setattr("core.machine.device.preflight", preflight)
    with pytest.raises(ConfigError, match="two epochs do not fit"):
        kinds.checked_plan(question, n_images=N)


@pytest.mark.parametrize(
    ("old", "new"), [(["--kind", "hunger"], ["--kind", "data-efficiency"]), (["--rematch"], ["--kind", "aa-test"])]
)
def test_flags_of_earlier_versions_ask_the_same(old: list[str], new: list[str]) -> None:
    parser = argparse.ArgumentParser()
    add_race_flags(parser)
    before, now = (question_of(parser.parse_args(["--architectures", "mlp", *flags])) for flags in (old, new))
    assert before == now
    assert "hunger" not in parser.format_help()
    assert "rematch" not in parser.format_help()


@pytest.mark.parametrize("kind", kinds.KINDS.values(), ids=lambda kind: kind.id)
def test_a_record_says_what_a_form_needs(kind: Kind) -> None:
    assert kinds.get(kind.id) is kind
    assert kind.help[0].isupper()
    assert kind.help.endswith((".", "?"))
    assert set(kind.varies) <= {setting.name for setting in all_settings("mlp")}
    assert not kind.chooses or kind.caveat, "where nobody is named the winner, it is said"


@pytest.mark.parametrize("kind", kinds.KINDS.values(), ids=lambda kind: kind.id)
def test_every_run_of_a_plan_is_one_of_its_contestant(kind: Kind) -> None:
    contestants = CONTESTANTS if "networks" in kind.options else CONTESTANTS[:1]
    seeds = (0, 1) if "seeds" in kind.options else (0,)
    factors = (Factor("lr", (0.001, 0.01)), Factor("batch_size", (32, 64))) if "factors" in kind.options else ()
    plan = kinds.plan(Question(kind.id, contestants, seeds, factors=factors), n_images=N)
    entries = plan.details["contestants"]
    assert {run.contestant for run in plan.runs} == set(range(len(entries)))
    for run in plan.runs:
        contestant = entries[run.contestant]
        values = run.config.flat("json")
        assert (run.config.architecture, values["seed"] in contestant["seeds"]) == (contestant["architecture"], True)
        apart = {name for name, value in contestant["settings"].items() if values[name] != value}
        assert apart <= {*kind.varies, "epochs", "max_steps"}
    assert [config.architecture for config in plan.firsts] == [contestant["architecture"] for contestant in entries]


def test_an_unknown_kind_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="'dance', allowed is one of race, data_efficiency, tuning, aa_test, grid"):
        kinds.plan(Question("dance", CONTESTANTS, (0,)), n_images=N)


def test_a_tuning_has_one_seed() -> None:
    with pytest.raises(ConfigError, match="one seed, not 2"):
        kinds.plan(Question("tuning", CONTESTANTS, (0, 1)), n_images=N)


def test_the_name_that_is_asked_for_is_the_name_of_the_plan() -> None:
    assert race(CONTESTANTS, (0,), n_images=N, name="Mine").name == "Mine"
