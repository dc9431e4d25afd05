"""What a link or a challenge has decided: settings that are shown but can not be changed, or are not shown at all.

``?epochs=20&lock=dataset,epochs&hide=lr`` locks settings at the values that the link gives them, or at their defaults, and
hides others in the same way; ``architecture`` stands for the choice of networks. ``?challenge=ID`` locks what that challenge
says. What is trained takes these values from here, whatever the form's widgets hold. Which names a link
lists: ``shared.locks``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from core.config import TrainingConfig, all_settings
from core.data.config import DataConfig
from core.errors import InputError
from core.fields import settings
from core.runs import challenges
from core.runs.challenges import Challenge
from core.runs.schema import StorageError
from pages.shared import locks as link_locks
from pages.shared.services import store

CHALLENGE = "challenge"  # in the address
NETWORKS = "architecture"  # stands for the choice of networks
_LOCKS = "train_locks"  # session state: what the link followed last has decided
_CHALLENGE = "train_challenge"  # session state: the id of the challenge that the visitor takes part in
_SHARED = frozenset(each.name for config in (DataConfig, TrainingConfig) for each in settings(config))


@dataclass(frozen=True, slots=True)
class Locks:
    """networks: those that are trained, () where the visitor chooses · values: architecture -> setting -> its fixed value
    hidden: of the fixed settings those that are not shown"""

    networks: tuple[str, ...] = ()
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()

    def of(self, architecture: str) -> dict[str, Any]:
        """The fixed settings of a network; of one that the link does not name, those that all networks share."""
        if architecture in self.values:
            return dict(self.values[architecture])
        return {name: value for own in self.values.values() for name, value in own.items() if name in _SHARED}

    def shown_titles(self) -> list[str]:
        """What is shown and can not be changed, in the words and the order of the form."""
        named = {
            each.name: each.title
            for architecture, own in self.values.items()
            for each in all_settings(architecture)
            if each.name in own
        }
        shown = [title for name, title in named.items() if name not in self.hidden]
        return (["Networks"] if self.networks and NETWORKS not in self.hidden else []) + shown

    def applied(self, architecture: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values of a form, with those that are fixed in the place of what its widgets hold."""
        merged = {**values, **self.of(architecture)}
        return {
            each.name: merged[each.name] if each.applies(merged) else each.default
            for each in all_settings(architecture)
            if each.name in merged
        }


def from_link(values: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Keep the values that a link fixes; returns a sentence for each name that is no setting.

    A link to settings that names no challenge ends taking part in one. One that fixes nothing leaves what an earlier one fixed.

    values: of the networks that the link names, all settings by architecture
    """
    if CHALLENGE not in st.query_params:
        st.session_state.pop(_CHALLENGE, None)
    if not {link_locks.LOCK, link_locks.HIDE} & st.query_params.to_dict().keys():
        return []
    named = link_locks.locks()
    hidden = named.hidden
    by_name = {
        name: (architecture, each.name)
        for architecture in values
        for each in all_settings(architecture)
        for name in (each.name, *each.old_names)
    }
    asked = named.fixed
    present = {by_name[name][1] for name in asked if name in by_name}
    fixed = {
        architecture: {name: value for name, value in own.items() if name in present}
        for architecture, own in values.items()
    }
    st.session_state[_LOCKS] = Locks(
        networks=tuple(values) if NETWORKS in asked else (),
        values=fixed if present else {},
        hidden=frozenset(
            by_name[name][1] if name in by_name else name for name in hidden if name in {*by_name, NETWORKS}
        ),
    )
    return [link_locks.unknown_sentence(name) for name in asked if name not in by_name and name != NETWORKS]


def follow_challenge() -> tuple[Challenge | None, str]:
    """The challenge that the address names for the first time, for the form is to be filled with it, and a sentence where it
    can not be followed."""
    asked = st.query_params.get(CHALLENGE, "")
    if not asked or asked == st.session_state.get(_CHALLENGE):
        return None, ""
    try:
        followed = challenges.get(store(), asked)
    except StorageError:  # busy is not gone
        raise
    except InputError as error:
        del st.query_params[CHALLENGE]
        return None, str(error)
    link_locks.leave()  # those of an earlier link
    st.session_state.pop(_LOCKS, None)
    st.session_state[_CHALLENGE] = asked
    return followed, ""


def challenge() -> Challenge | None:
    """The challenge that the visitor takes part in, as the store says it now."""
    asked = st.session_state.get(_CHALLENGE)
    if not asked:
        return None
    try:
        return challenges.get(store(), asked)
    except StorageError:
        raise
    except InputError:  # deleted meanwhile
        leave()
        return None


def leave() -> None:
    """In a callback: take part no more, and unlock all."""
    for key in (_CHALLENGE, _LOCKS):
        st.session_state.pop(key, None)
    st.query_params.pop(CHALLENGE, None)
    link_locks.leave()


def locks() -> Locks:
    """What is fixed now."""
    current = challenge()
    if current is None:
        fixed: Locks = st.session_state.get(_LOCKS) or Locks()
        return fixed
    values = {name: value for name, value in current.config.flat().items() if name in current.locked}
    architecture = current.config.architecture
    return Locks(networks=() if current.terms.is_network_free else (architecture,), values={architecture: values})


def in_address() -> dict[str, str]:
    """What the address says of a challenge."""
    current = challenge()
    return {CHALLENGE: current.challenge_id} if current else {}
