"""What damaged networks still read, in sentences that carry their numbers."""

from __future__ import annotations

from collections.abc import Sequence

from core.analysis.statistics import Paired
from core.analysis.tolerance import SMALL_LOSS, Change, first_loss, last_small
from core.inspect.damage import Damage
from pages.lab.robustness.damage_reading import Member
from pages.shared.markdown import escape_markdown


def images_sentence(members: Sequence[Member]) -> str:
    """Which images the networks read."""
    counts = {_count(member) for member in members}
    if len(counts) == 1:
        who = "The network reads" if len(members) == 1 else "Each network reads"
        read = f"{who} {counts.pop()}"
    else:
        read = "; ".join(f"{escape_markdown(member.name)} reads {_count(member)}" for member in members)
    return f"{read}. Test images are left alone: whoever settles on an amount here has chosen by these images."


def _count(member: Member) -> str:
    n = len(member.labels)
    return (
        f"{n:,} of its {member.n_val:,} validation images, evenly spread"
        if n < member.n_val
        else f"its {n:,} validation images"
    )


def points(fraction: float) -> str:
    """A difference of accuracies: -0.0123 is "−1.23"."""
    return f"{100 * fraction:+.2f}".replace("-0.00", "+0.00").replace("-", "\u2212")


def difference(pair: Paired) -> str:
    """Such as "−0.30 points (95 % −0.74 to +0.14)"; two networks that agree on every image have no interval."""
    if pair.only_a == pair.only_b == 0:
        return "the very same images read"
    return f"{points(pair.difference)} points (95 % {points(pair.low)} to {points(pair.high)})"


def tolerance_words(name: str, damage: Damage, changed: Sequence[Change]) -> str:
    """How much a network stands, with what is known of it. name: as it is called, not escaped · changed: at least one amount"""
    shown, small = f"**{escape_markdown(name)}**", f"{100 * SMALL_LOSS:g} points"
    if all(change.pair.only_a == change.pair.only_b == 0 for change in changed):
        return f"{shown} reads the very same images at every amount."
    last, loss = last_small(changed), first_loss(changed)
    if last is None:
        first = changed[0]
        words = f"{shown} loses {small} or more at {damage.words(first.amount)} already: {difference(first.pair)}"
    elif last is changed[-1]:
        words = f"{shown} loses less than {small} at every amount, with {difference(last.pair)} at the last"
    else:
        up_to = "up to" if damage.is_share else "down to"
        words = (
            f"{shown} loses less than {small} {up_to} {damage.words(last.amount)}, with {difference(last.pair)} there"
        )
    if loss is None:
        return f"{words}. No loss here is more than luck could bring up."
    if last is None and loss is changed[0]:
        return f"{words}, more than luck would bring up."
    return f"{words}. The first loss that is more than luck is {difference(loss.pair)} at {damage.words(loss.amount)}."


def judged_sentence(members: Sequence[Member]) -> str:
    """What the losses are, before they are listed."""
    counts = {len(member.labels) for member in members}
    n = f"the same {counts.pop():,} images" if len(counts) == 1 else "the same images"
    return (
        f"What each network loses against itself undamaged, on {n}, with 95 % intervals. More than luck is what luck alone "
        "brings up less than 5 times in 100 (McNemar, mid-p after Holm over all amounts and networks here)."
    )
