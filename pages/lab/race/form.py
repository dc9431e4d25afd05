"""What a visitor asks of a race: who competes, on which images, by which rules. Values are raw until ``asked`` checked them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core import data, models
from core.analysis.verdicts import FEWEST_SEEDS
from core.compare.differences import LENGTH
from core.compare.plan import BUDGETS, HIGHEST_LR, LOWEST_LR, SIZES, SPLIT, TRIALS, Budget, Kind, Match
from core.compare.results import VARIED
from core.config import RunConfig, TrainingConfig, all_settings, run_config
from core.data.config import DataConfig
from core.errors import ConfigError
from core.fields import Setting, settings
from pages.shared.form import draw_form, more_settings, read_form
from pages.shared.networks import pick_networks

KINDS: Mapping[Kind, tuple[str, str]] = {
    "race": ("Race", "Everybody with every seed, on the same images in the same order, under the same budget."),
    "hunger": ("Data hunger", "The same race again and again with more and more training images: who needs how many?"),
    "tuning": ("Fair tuning", "As many learning rates tried for each network, from the same range; validation images choose."),
}  # fmt: skip
WHO: Mapping[str, str] = {
    "networks": "Different networks", "settings": "One network, several settings", "rematch": "A network against its copy",
}  # fmt: skip
MATCHES: Mapping[Match, str] = {
    "none": "as they are", "parameters": "equal parameters", "multiply-adds": "equal multiply-adds",
    "seconds": "equal seconds",
}  # fmt: skip
# What a budget's field says, the factor to its own unit, and where it begins.
AMOUNTS: Mapping[str, tuple[str, float, float]] = {
    "epochs": ("Epochs", 1, 5), "steps": ("Steps", 1, 1_000), "examples": ("Images looked at", 1, 100_000),
    "seconds": ("Seconds", 1, 30), "multiply-adds": ("Billion multiply-adds", 1e9, 100),
}  # fmt: skip
MOST_SEEDS, MOST_VALUES = 12, 6
START = ("mlp", "cnn")  # who competes until somebody chooses


@dataclass(frozen=True, slots=True)
class Asked:
    """A comparison that ``core.compare.plan`` can plan. sizes: of a data hunger · trials, low, high: of a tuning"""

    kind: Kind
    contestants: tuple[RunConfig, ...]
    seeds: tuple[int, ...]
    budget: Budget | None
    match: Match
    rematch: bool
    sizes: tuple[int, ...]
    trials: int
    low: float
    high: float

    @property
    def needs_speed(self) -> bool:
        """Whether it counts in seconds, which somebody has to measure."""
        return self.match == "seconds" or (self.budget is not None and self.budget.kind == "seconds")


def race_form() -> Asked:
    """Draw the form and return what it says. Raises ConfigError naming each value that is not allowed, when all is drawn."""
    kind: Kind = st.segmented_control(
        "Kind of comparison", list(KINDS), format_func=lambda name: KINDS[name][0], default="race", required=True,
        key="race_kind", persist_state="session", wrap=True, label_visibility="collapsed",
    )  # fmt: skip
    st.caption(KINDS[kind][1])
    offered = [name for name in WHO if name != "rematch" or kind == "race"]
    who = st.segmented_control(
        "Who competes", offered, format_func=WHO.__getitem__, default="networks", required=True,
        key=f"race_who_{kind}", persist_state="session", wrap=True,
    )  # fmt: skip
    who_place, rules_place, learning_place = st.container(), st.container(), st.container()
    with rules_place:
        st.markdown("**Rules**")
        seeds = _seeds() if kind != "tuning" else (0,)
        rules = _trials() if kind == "tuning" else (TRIALS, LOWEST_LR, HIGHEST_LR)
        sizes = _sizes() if kind == "hunger" else SIZES
        budget = _budget(kind)
        match = _match(who)
    # What the rules decide has no field of its own; without a budget, the learning settings say how long.
    fixed = {"seed", *VARIED.get(kind, ())} - set(LENGTH) | set(LENGTH if budget else ())
    with who_place:
        named, varied = _named(who, kind)
    if match != "none" and len(named) > 1:
        with rules_place:
            named = _lead(named)
    contestants = _contestants(named, varied, fixed, learning_place, who_place)
    amount = Budget(budget[0], budget[1]) if budget else None  # may refuse the amount, and now all is drawn
    return Asked(kind, tuple(contestants), seeds, amount, match, who == "rematch", sizes, *rules)


def _named(who: str, kind: Kind) -> tuple[list[str], Setting | None]:
    """The architectures that compete and, when only one does, the setting that it varies."""
    if who == "networks":
        return pick_networks("race_networks", START), None
    name: str = st.selectbox(
        "Network", list(models.TABLE), format_func=models.title, key="race_network", persist_state="session",
        index=list(models.TABLE).index(START[0]),
    )  # fmt: skip
    if who == "rematch":
        st.caption("The copy gets other seeds. Whatever gap comes out is luck: a good way to see how large luck is.")
        return [name], None
    # The same images for all is what makes it a comparison, and the seed is no setting to compare.
    left_out = {"seed", "device", "n_train", *SPLIT, *({"lr"} if kind == "tuning" else ())}
    known = {one.name: one for one in all_settings(name) if one.name not in left_out}
    varied: str = st.selectbox(
        "Setting", list(known), format_func=lambda one: known[one].title if one in known else one,
        key=f"race_setting_{name}", persist_state="session", index=list(known).index("batch_size"),
    )  # fmt: skip
    return [name], known[varied]


def _contestants(
    named: Sequence[str], varied: Setting | None, fixed: set[str], learning: Any, who: Any
) -> list[RunConfig]:
    """One config per contestant, from the shared settings and those of each network."""
    given: list[Any] = [None]
    faults: dict[str, tuple[str, ...]] = {}
    if varied:
        with who:
            try:
                given = _values(varied)
            except ConfigError as error:
                faults[str(error)], given = error.fields, []
    hidden = fixed | ({varied.name} if varied else set())
    with learning:
        basic, more = st.container(), more_settings("race_more")
        suggested = {"dataset": data.suggested_dataset()}
        with basic:
            st.markdown("**Images and learning, the same for all**")
            draw_form(DataConfig, "race_data", suggested=suggested, more=more, heading="Images", without=hidden)
            draw_form(TrainingConfig, "race_training", more=more, heading="Learning", without=hidden)
        shared = read_form(DataConfig, "race_data", without=hidden)
        shared |= read_form(TrainingConfig, "race_training", without=hidden)
        own: dict[str, dict[str, Any]] = {}
        title = "Settings of each network" if len(named) > 1 else "Settings of the network"
        if named:
            folder = st.expander(title, key="race_own", on_change="rerun")
            places = folder.tabs([models.title(name) for name in named]) if folder.open else [folder] * len(named)
            for name, place in zip(named, places, strict=True):
                with place:
                    own[name] = _own(name, hidden, alone=len(named) == 1, drawn=bool(folder.open))
    contestants = []
    for name in named:
        for value in given:
            try:
                contestants.append(run_config(name, shared | own[name] | ({varied.name: value} if varied else {})))
            except ConfigError as error:
                faults[str(error)] = error.fields
    if faults:
        raise ConfigError("; ".join(faults), tuple(name for fields in faults.values() for name in fields))
    return contestants


def _own(name: str, hidden: set[str], *, alone: bool, drawn: bool) -> dict[str, Any]:
    """The settings of one network, and those of learning in which it shall differ from the others."""
    config_class = models.get(name).config
    if drawn:
        draw_form(config_class, f"race_{name}", without=hidden)
    values = read_form(config_class, f"race_{name}", without=hidden)
    if alone:
        return values
    offered = {one.name: one for one in settings(TrainingConfig) if one.name not in hidden}
    key = f"race_{name}_differs"
    if drawn:
        chosen = st.multiselect(
            "Learns differently from the others in", list(offered), format_func=lambda one: offered[one].title,
            key=key, persist_state="session", placeholder="nothing: the fair choice",
            help="Two things that differ at once are confounded: nobody can say then which of them made a difference.",
        )  # fmt: skip
    else:
        chosen = [one for one in st.session_state.get(key, ()) if one in offered]
    if chosen:
        rest = set(offered) - set(chosen) | hidden
        if drawn:
            draw_form(TrainingConfig, f"race_{name}_learning", more=st.container(), without=rest)
        values |= read_form(TrainingConfig, f"race_{name}_learning", without=rest)
    return values


def _values(one: Setting) -> list[Any]:
    """The values to compare, as the declaration can check them. Raises ConfigError: fewer than two, or more than six."""
    key = f"race_values_{one.name}"
    if one.kind == "bool":
        st.caption("On against off.")
        return [False, True]
    if one.kind == "choice":
        chosen: list[Any] = st.pills(
            "Values", one.choices, selection_mode="multi", default=list(one.choices[:2]), format_func=one.label, wrap=True,
            key=key, persist_state="session", help=one.help,
        )  # fmt: skip
    else:
        between = ";" if one.kind == "ints" else " "
        text = st.text_input(
            "Values", _suggested(one), key=key, persist_state="session",
            help=f"{one.help} Allowed: {one.allowed}. "
            + ("A semicolon between two values." if between == ";" else "Separate them by spaces."),
        )  # fmt: skip
        parts = text.split(";") if between == ";" else text.replace(",", " ").replace(";", " ").split()
        chosen = list(dict.fromkeys(part.strip() for part in parts if part.strip()))
    if not 2 <= len(chosen) <= MOST_VALUES:
        raise ConfigError(
            f"{one.title} has {len(chosen)} values to compare, allowed are 2 to {MOST_VALUES}", (one.name,)
        )
    return chosen


def _suggested(one: Setting) -> str:
    """Two values to begin with: the default, and one that differs enough to matter."""
    if one.kind == "ints":
        halves = tuple(max(int(one.low or 1), number // 2) for number in one.default)
        return f"{one.text(halves)}; {one.text(one.default)}"
    number = int if one.kind == "int" else float
    other = 2 * one.default or 10 * (one.step or 1)
    if one.high is not None and other > one.high:
        other = one.default / 2
    return f"{one.text(one.default)} {one.text(number(other))}"


def _seeds() -> tuple[int, ...]:
    seed = next(one for one in settings(TrainingConfig) if one.name == "seed")
    with st.grid(2, min_column_width=230, vertical_alignment="bottom"):
        n = st.slider(
            "Seeds", 1, MOST_SEEDS, FEWEST_SEEDS, key="race_seeds", persist_state="session",
            help=f"How often everybody runs, each time with other luck. {FEWEST_SEEDS} are the fewest that can tell.",
        )  # fmt: skip
        first = st.number_input(
            "First seed", int(seed.low or 0), int(seed.high or 0) - MOST_SEEDS, seed.default, key="race_first_seed",
            persist_state="session", help="The others follow it.",
        )  # fmt: skip
    return tuple(range(first, first + n))


def _budget(kind: Kind) -> tuple[Any, float] | None:
    """Kind and amount in its own unit; None: the epochs of the learning settings."""
    none = "the same number of steps everywhere" if kind == "hunger" else "the epochs below"
    with st.grid(2, min_column_width=230, vertical_alignment="bottom"):
        by = st.selectbox(
            "Budget of each run", ["none", *BUDGETS], format_func=lambda name: none if name == "none" else BUDGETS[name],
            key="race_budget", persist_state="session",
            help="What everybody may spend. It is turned into steps before the start, so that it can be repeated.",
        )  # fmt: skip
        if by == "none":
            return None
        label, factor, start = AMOUNTS[by]
        amount = st.number_input(
            label, 0.0, value=float(start), format="%g" if by == "epochs" else "%.0f", step=1.0 if start < 100 else 100.0,
            key=f"race_amount_{by}", persist_state="session",
        )  # fmt: skip
    return by, amount * factor


def _match(who: str) -> Match:
    if who == "rematch":
        return "none"
    match: Match = st.segmented_control(
        "Sizes of the networks", list(MATCHES), format_func=MATCHES.__getitem__, default="none", required=True, wrap=True,
        key="race_match", persist_state="session",
        help="A fair fight: one network sets the size, and the others are made larger or smaller until they agree "
        "within 5 %.",
    )  # fmt: skip
    return match


def _lead(named: Sequence[str]) -> list[str]:
    """The same networks, first the one whose size the others are given."""
    if st.session_state.get("race_lead") not in named:
        st.session_state["race_lead"] = named[0]
    lead: str = st.selectbox(
        "Whose size counts", named, format_func=models.title, key="race_lead", persist_state="session",
        help="The others are made larger or smaller to match it. It moves itself only when they can not.",
    )  # fmt: skip
    return [lead, *(name for name in named if name != lead)]


def _sizes() -> tuple[int, ...]:
    chosen: list[int] = st.pills(
        "Training images", SIZES, selection_mode="multi", default=list(SIZES), wrap=True,
        format_func=lambda size: f"{size:,}" if size else "all", key="race_sizes", persist_state="session",
    )  # fmt: skip
    return tuple(chosen)


def _trials() -> tuple[int, float, float]:
    lr = next(one for one in settings(TrainingConfig) if one.name == "lr")
    with st.grid(3, min_column_width=180, vertical_alignment="bottom"):
        trials = st.number_input(
            "Trials", 2, 50, TRIALS, key="race_trials", persist_state="session", help="Learning rates tried for each network.",
        )  # fmt: skip
        ends = [
            st.number_input(
                title,
                lr.low,
                lr.high,
                value,
                step=0.0001,
                format="%g",
                key=f"race_{name}",
                persist_state="session",
                help=lr.help,
            )
            for title, name, value in (
                ("Lowest learning rate", "low", LOWEST_LR),
                ("Highest learning rate", "high", HIGHEST_LR),
            )
        ]
    return trials, ends[0], ends[1]
