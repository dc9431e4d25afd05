"""Above the form: what a link or a challenge has fixed, and the way out."""

from __future__ import annotations

from pages.lab.train import locks
from pages.lab.train.challenge import show_challenge
from pages.lab.train.link import OTHER
from pages.shared.locks import say_kept


def is_anything_fixed() -> bool:
    return locks.locks() != locks.Locks()


def show_fixed() -> None:
    """Say what can not be changed, where there is such a thing."""
    if challenge := locks.challenge():
        show_challenge(challenge)
    elif is_anything_fixed():
        say_kept(locks.locks().shown_titles(), without=OTHER)
