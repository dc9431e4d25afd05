"""Above the form: what a link or a challenge has fixed, and the way out."""

from __future__ import annotations

from pages.lab.train import locks
from pages.lab.train.challenge import show_challenge
from pages.lab.train.link import OTHER
from pages.shared import locks as link_locks
from pages.shared.locks import say_kept


def is_anything_fixed() -> bool:
    return locks.locks() != locks.Locks()


def show_fixed() -> None:
    """Say what can not be changed, where there is such a thing."""
    if challenge := locks.challenge():
        show_challenge(challenge)
    elif is_anything_fixed():
        followed = link_locks.locks().link.keys() - {link_locks.LOCK, link_locks.HIDE}
        # A link that names runs alone is about their settings; in one that names settings, runs are what came of it.
        say_kept(locks.locks().shown_titles(), without=() if followed <= set(OTHER) else OTHER)
