"""What a lesson is: question, guess, experiment and reveal, and what fits together. Read by ``core.experiments.lessons``.

In its Markdown ``{MLP}`` stands for what came out for the contestant of that label, with its unit; ``PLACEHOLDERS`` names the
others. No torch in here until settings are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from types import MappingProxyType
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from core import models
from core.analysis.verdicts import FEWEST_SEEDS, fewest_seeds
from core.config import RunConfig, run_config
from core.data.config import DataConfig
from core.errors import ConfigError, InputError
from core.experiments.baselines import BASELINES
from core.experiments.lesson_parts import (
    ANSWERS_OF,
    N_TIMINGS,
    Answer,
    Contestant,
    Experiment,
    GuessForm,
    GuessValue,
    Look,
)
from core.experiments.measures import Asked, Measure, Unit
from core.fields import Frozen

CourseId = Literal["networks", "learning", "figures"]
COURSES: Mapping[CourseId, str] = MappingProxyType(
    {
        "networks": "How networks differ",
        "learning": "How networks learn",
        "figures": "What a figure is worth",
    }
)
HEADINGS = ("Before you guess", "Result", "Why", "What this does not show", "Carry on")
MAY_BE_ABSENT = HEADINGS[0]
RATIO_DECIMALS = 1  # of a ratio, unless its lesson says otherwise
# Beside the labels of contestants, each also with .low and .high (its lowest and highest seed): the answer's value, images per
# value, seeds, what was guessed, and how long the experiment took. Each comes with its unit.
PLACEHOLDERS = ("value", "change", "n", "seeds", "guess", "seconds")
PLACEHOLDER = re.compile(r"\{([^{}\n]+)\}")


class Lesson(Frozen):
    """One lesson. sections: heading -> Markdown, in the order of ``HEADINGS``

    pairs: contestants by label that its text compares: for each the reveal says whether their gap could be luck
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{1,39}$")
    course: CourseId
    place: int = Field(ge=1)
    title: str = Field(max_length=60)
    question: str = Field(max_length=200)
    minutes: int = Field(ge=1, le=45)
    claim: str = Field("", max_length=200)
    guess: GuessForm
    experiment: Experiment
    contestants: tuple[Contestant, ...] = Field(alias="contestant", min_length=1)
    answer: Answer
    pairs: tuple[tuple[str, str], ...] = ()
    looks: tuple[Look, ...] = Field((), alias="look")
    sections: Mapping[str, str]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        self._check_contestants()
        self._check_answer()
        self._check_pairs()
        for heading, text in self.sections.items():
            allowed = set(self.known_before if heading == MAY_BE_ABSENT else self.placeholders)
            if strangers := set(PLACEHOLDER.findall(text)) - allowed:
                raise ValueError(
                    f"{heading}: {{{min(strangers)}}} is unknown, allowed is one of {', '.join(sorted(allowed))}"
                )
        places = {"runs", *(f"run:{label}" for label in self.labels)}
        for look in self.looks:
            if strangers := set(PLACEHOLDER.findall(" ".join(look.query.values()))) - places:
                raise ValueError(
                    f"look.query: {{{min(strangers)}}} is unknown, allowed is one of {', '.join(sorted(places))}"
                )
        return self

    def _check_contestants(self) -> None:
        kind, labels = self.experiment.kind, self.labels
        if len(set(labels)) < len(labels) or set(labels) & set(PLACEHOLDERS):
            raise ValueError(
                f"contestant.label: {', '.join(labels)} must be different, and none of {', '.join(PLACEHOLDERS)}"
            )
        units = set()
        for contestant in self.contestants:
            where, asked = f"contestant {contestant.label}", self.asked(contestant)
            if (kind == "shipped") != bool(contestant.run) or (kind == "shipped") == bool(contestant.architecture):
                raise ValueError(f"{where}: has a run where the experiment is 'shipped', and else an architecture")
            can_be = list(BASELINES if asked.measure.of_baseline else models.TABLE)
            if contestant.architecture and contestant.architecture not in can_be:
                raise ValueError(
                    f"{where}: architecture is {contestant.architecture!r}, allowed is one of {', '.join(can_be)}"
                )
            if (kind == "count") == (asked.measure.of_run is not None):
                raise ValueError(f"{where}: an experiment of kind {kind!r} can not measure {asked.id}")
            if (self.guess.kind == "curve") != (contestant.x is not None):
                raise ValueError(f"{where}: x is there where the guess is a curve, and else not")
            units.add(asked.measure.unit)
        if len(units) > 1:
            raise ValueError(f"measure: all contestants need one unit, these have {', '.join(sorted(units))}")
        where_x = [contestant.x for contestant in self.contestants if contestant.x is not None]
        if where_x != sorted(set(where_x)):
            raise ValueError("contestant.x: the contestants of a curve stand by rising x")

    def _check_answer(self) -> None:
        guess, answer, n = self.guess, self.answer, len(self.contestants)
        if answer.kind not in ANSWERS_OF[guess.kind]:
            allowed = " or ".join(map(repr, ANSWERS_OF[guess.kind]))
            raise ValueError(
                f"answer.kind is {answer.kind!r}, allowed beside a guess of kind {guess.kind!r} is {allowed}"
            )
        n_options = {"best": n + 1, "bracket": len(answer.bounds) + 1}.get(answer.kind, 0)
        if len(guess.options) != n_options:
            raise ValueError(
                f"guess.options: there are {len(guess.options)}, an answer of kind {answer.kind!r} needs {n_options}"
            )
        needs_of = answer.kind in ("bracket", "value", "band")
        named = [name for name in (answer.of, answer.minus, answer.over) if name]
        if needs_of != bool(answer.of) or (answer.minus and answer.over) or not set(named) <= set(self.labels):
            raise ValueError(
                f"answer.of is {answer.of!r}, allowed is one of {', '.join(self.labels)}, with minus or over another of them "
                "or neither; only a bracket, a value or a band has it"
            )
        if answer.kind in ("best", "order") and n < 2:
            raise ValueError(f"contestant: an answer of kind {answer.kind!r} needs two or more")
        if list(answer.bounds) != sorted(set(answer.bounds)):
            raise ValueError(f"answer.bounds are {list(answer.bounds)}, they have to rise")
        if answer.kind in ("value", "curve", "band") and not answer.tolerance:
            raise ValueError(f"answer.tolerance: an answer of kind {answer.kind!r} says what still counts as close")
        if guess.log and answer.kind in ("value", "curve", "band") and answer.tolerance <= 1:
            raise ValueError(f"answer.tolerance is {answer.tolerance:g}, with log = true it is a factor above 1")
        if answer.kind == "band" and (answer.minus or answer.over or len(self.experiment.seeds) < FEWEST_SEEDS):
            raise ValueError(f"answer: a band is of one contestant and needs {FEWEST_SEEDS} seeds or more")
        units = {self.unit} | ({"%"} if self.unit == "points" else set())
        if guess.unit is not None and guess.unit not in units:
            raise ValueError(f"guess.unit is {guess.unit!r}, but the answer is in {self.unit!r}")

    def _check_pairs(self) -> None:
        answer, labels = self.answer, self.labels
        each = [frozenset(pair) for pair in self.pairs]
        if self.judges_all and self.pairs:
            raise ValueError(
                f"pairs: none are named beside an answer of kind {answer.kind!r}, which judges all of them"
            )
        if any(len(pair) < 2 or not pair <= set(labels) for pair in each) or len(set(each)) < len(each):
            raise ValueError(f"pairs: each is of two different ones of {', '.join(labels)}, and none comes twice")
        other = answer.minus or answer.over
        if other and {answer.of, other} not in each:
            raise ValueError(f"pairs: the answer compares {answer.of} with {other}, so these two are one of them")
        n_values = N_TIMINGS if self.is_timed else len(self.experiment.seeds)
        needed = fewest_seeds(len(self.judged))
        if self.judged and FEWEST_SEEDS <= n_values < needed:
            what = "experiment.seeds" if self.experiment.seeds else "measurements"
            raise ValueError(f"{what}: {n_values} can tell nothing in {len(self.judged)} pairs, {needed} are needed")

    @property
    def judges_all(self) -> bool:
        """Whether the answer asks of every pair of contestants who is better."""
        return self.answer.kind in ("best", "order")

    @property
    def judged(self) -> tuple[tuple[str, str], ...]:
        """The pairs of labels of which the result says whether their gap could be luck."""
        return tuple(combinations(self.labels, 2)) if self.judges_all else self.pairs

    @property
    def is_timed(self) -> bool:
        """Whether it measures how fast this computer is."""
        return self.experiment.kind == "count" and not all(self.asked(one).measure.exact for one in self.contestants)

    @property
    def labels(self) -> tuple[str, ...]:
        """Of the contestants, in their order."""
        return tuple(contestant.label for contestant in self.contestants)

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Everything that may stand in braces in its text."""
        return (*PLACEHOLDERS, *(f"{label}{end}" for label in self.labels for end in ("", ".low", ".high")))

    @property
    def known_before(self) -> Mapping[str, str]:
        """What stands for the placeholders that may be filled before the guess, by their names."""
        return MappingProxyType({"seeds": f"{len(self.experiment.seeds):,}"} if self.experiment.seeds else {})

    @property
    def measure(self) -> Measure:
        """What is measured of all contestants; where that is not one thing, what they have in common."""
        measures = [self.asked(contestant).measure for contestant in self.contestants]
        if len({measure.title for measure in measures}) == 1:
            return measures[0]
        common = {"%": "accuracy", "": "loss"}
        return replace(measures[0], title=common.get(measures[0].unit, measures[0].unit))

    @property
    def unit(self) -> Unit:
        """Of the answer and so of the guess: that of the measure, "points" between accuracies, "times" for a ratio."""
        unit = self.measure.unit
        if self.answer.over:
            return "times"
        return "points" if self.answer.minus and unit == "%" else unit

    @property
    def decimals(self) -> int:
        """Of the answer and the guess."""
        if self.guess.decimals is not None:
            return self.guess.decimals
        return RATIO_DECIMALS if self.answer.over else self.measure.decimals

    def asked(self, contestant: Contestant) -> Asked:
        """What is measured of a contestant."""
        return contestant.measure or self.experiment.measure

    def config(self, contestant: Contestant, seed: int = 0) -> RunConfig:
        """The settings of a contestant that is an architecture. Raises ConfigError."""
        return run_config(contestant.architecture, {**self.experiment.settings, **contestant.settings, "seed": seed})

    def data_config(self, contestant: Contestant) -> DataConfig:
        """The data that a contestant which is a baseline looks at. Raises ConfigError."""
        try:
            return DataConfig.model_validate({**self.experiment.settings, **contestant.settings})
        except ValidationError as error:
            raise ConfigError(reason(error)) from None

    def check(self) -> None:
        """Whether every setting and measure exists, which takes torch. Raises ConfigError naming contestant and setting."""
        for contestant in self.contestants:
            try:
                self.asked(contestant).check()
                if contestant.architecture in BASELINES:
                    self.data_config(contestant)
                elif contestant.architecture:
                    self.config(contestant)
            except InputError as error:
                raise ConfigError(f"{self.id}.md: contestant {contestant.label}: {error}") from None

    def configs(self, seeds: Sequence[int] = ()) -> list[tuple[str, int, RunConfig]]:
        """(label, seed, settings) of every run that is to be trained, contestant by contestant; [] where none is. Settings come
        again where two contestants are one network that is measured in two ways: one run is enough for both.

        seeds: others than declared, to see whether it comes out again. Raises ConfigError.
        """
        if self.experiment.kind != "train":
            return []
        return [
            (contestant.label, seed, self.config(contestant, seed))
            for contestant in self.contestants
            for seed in seeds or self.experiment.seeds
        ]

    def needs_mnist(self) -> bool:
        """Whether its experiment can not be done without MNIST. Raises ConfigError."""
        if self.experiment.kind == "shipped":  # the figures of such a run come with it, the images do not
            runs = [one.run for one in self.contestants if self.asked(one).id == "distorted_acc"]
            return any(not run.startswith("digits-") for run in runs)
        reads_images = [one for one in self.contestants if not self.asked(one).measure.of_settings]
        datasets = [
            self.data_config(one) if one.architecture in BASELINES else self.config(one).data for one in reads_images
        ]
        return any(data.dataset == "mnist" for data in datasets)

    def check_guess(self, value: object) -> GuessValue:
        """A visitor's guess as it is kept. Raises ConfigError for what this lesson does not ask."""
        return self.guess.checked(value, self.labels)


def reason(error: ValidationError) -> str:
    """Each finding with its field, joined by a semicolon."""
    findings = []
    for finding in error.errors():
        field = ".".join(str(part + 1) if isinstance(part, int) else part for part in finding["loc"])
        what = "is no field here" if finding["type"] == "extra_forbidden" else str(finding["msg"])
        findings.append(f"{field}: {what.removeprefix('Value error, ')}".removeprefix(": "))
    return "; ".join(findings)
