"""Following a link to the Race page: once for the whole form, and with every look for what it locks or hides."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import streamlit as st

from core import models
from core.compare.differences import LENGTH
from core.compare.plan import Question
from core.config import RunConfig, TrainingConfig, all_settings
from core.data.config import DataConfig
from core.errors import InputError
from core.fields import settings
from core.runs.schema import StorageError
from pages.lab.race.link import NOT_QUICK, Filling, race_link, read_link
from pages.lab.race.values import VARIED
from pages.shared.form import fill
from pages.shared.link_names import RACE
from pages.shared.link_state import follow_once, follow_query_once, remember_query
from pages.shared.locks import HIDE, LOCK, also_fix, locks, show_locks
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.networks import tick
from pages.shared.services import store

FORM = "race_settings"
_OTHER = ("like", "group", "run")  # parameters that say nothing about networks and settings
_WHO = ("architecture", "vary", "setting", "values")
_ASKS = {"architecture", "vary", "kind", "quick", LOCK, HIDE}  # a link with one of these is about the form
_FIXED = "race_fixed"  # session state: what the page's link puts into the form where it locks or hides


def follow() -> bool:
    """Fill the form as a link says, once, before it is drawn; whether it was. Says on screen what can not be used, and what is
    locked, which is put into the form each time."""
    has_followed = _follow_runs() or _follow_settings()
    _put_fixed()
    return has_followed


def fixed_differences(architecture: str) -> list[str]:
    """The settings of learning that the page's link fixes, and in which this network differs from the others by it."""
    filling: Filling | None = st.session_state.get(_FIXED)
    fixed = locks().fixed
    return [name for name in filling.differs.get(architecture, ()) if name in fixed] if filling else []


def fixed_settings(architecture: str) -> list[str]:
    """The settings that can not be changed for this network: of one that the link does not name, those that all share."""
    shared = {setting.name for config in (DataConfig, TrainingConfig) for setting in settings(config)}
    filling: Filling | None = st.session_state.get(_FIXED)
    is_named = filling is not None and architecture in filling.networks
    return [name for name in locks().fixed if is_named or name in shared]


def _follow_runs() -> bool:
    asked = follow_once("like", "race_form")
    if not asked:
        return False
    try:
        configs = _configs(asked)
    except StorageError:  # busy is not gone
        raise
    except InputError as error:
        st.warning(f"The link can not be followed. {sentence(error)}", icon=":material/link_off:")
        return False
    st.session_state.update({"race_kind": "race", "race_who_race": "networks"})
    for config in reversed(configs):  # what all share is taken from the first
        values = config.flat()
        fill(DataConfig, "race_data", values)
        fill(TrainingConfig, "race_training", values)
        fill(models.get(config.architecture).config, f"race_{config.architecture}", values)
    tick([config.architecture for config in configs], "race_networks")
    return True


def _configs(run_ids: str) -> list[RunConfig]:
    """Of runs whose ids stand in a link. Raises InputError where one is not here."""
    return [store().run(run_id.strip()).run_config() for run_id in run_ids.split(",")]


def _follow_settings() -> bool:
    query = follow_query_once(FORM, without=_OTHER)
    if not _ASKS & query.keys() or "like" in st.query_params:
        return False
    filling = read_link({name: text for name, text in query.items() if name not in (LOCK, HIDE)})
    for notice in filling.notices:
        st.warning(escape_markdown(notice), icon=":material/link_off:")
    if filling.is_usable:
        for values in filling.fields.values():
            st.session_state.update(values)
    return filling.is_usable


def _put_fixed() -> None:
    """Make the fields hold what the page's link fixes, say so, and keep the link in the address."""
    current = locks()
    if not current.fixed:
        st.session_state.pop(_FIXED, None)
        return
    if not {LOCK, HIDE} & st.query_params.to_dict().keys():  # opened by the menu, or by a link that fixes nothing
        remember_query(FORM, {name: text for name, text in current.link.items() if name not in _OTHER}, without=_OTHER)
    about = _about_settings(current.link)
    filling = read_link(about)
    if (
        not filling.is_usable
    ):  # names nobody, or two settings that can not be varied: the rest of it is fixed all the same
        filling = read_link({name: text for name, text in about.items() if name not in _WHO})
    st.session_state[_FIXED] = filling
    titles = {
        name: setting.title
        for architecture in filling.networks
        for setting in all_settings(architecture)
        for name in (setting.name, *setting.old_names)
    }
    also_fix(_implied({*current.locked, *current.hidden} & {*RACE, *titles}, filling.networks))
    fixed = locks().fixed
    for name in fixed:
        st.session_state.update(filling.fields.get(name, {}))
    if "vary" in fixed:  # what the link does not say of it is what the form begins with
        for key in [
            key for key in st.session_state if str(key).startswith(VARIED) and key not in filling.fields["vary"]
        ]:
            del st.session_state[key]
    show_locks(titles)


def _about_settings(link: Mapping[str, str]) -> dict[str, str]:
    """What a link says of networks and settings; of one to the settings of runs, these."""
    own = {name: text for name, text in link.items() if name not in (*_OTHER, LOCK, HIDE)}
    if "like" not in link:
        return own
    try:
        like = race_link(Question("race", tuple(_configs(link["like"])), (0,)), {})
    except StorageError:  # busy is not gone
        raise
    except InputError:  # was said when the link was followed
        return own
    del like["seeds"]  # as many as a verdict needs
    return like | own


def _implied(fixed: Collection[str], architectures: Collection[str]) -> set[str]:
    """What would change a fixed setting if it were free."""
    own = {setting.name for name in architectures for setting in settings(models.get(name).config)}
    implied: set[str] = set()
    if set(fixed) - {"architecture", "seeds", "first_seed", "quick"}:
        implied.add("kind")
    if (own | {"vary"}) & set(fixed):
        implied.add("match")
    if {*NOT_QUICK, "budget", "sizes"} & set(fixed):
        implied.add("quick")
    if {*LENGTH, "quick"} & set(fixed):
        implied.add("budget")
    return implied - set(fixed)
