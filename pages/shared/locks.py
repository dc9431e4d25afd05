"""What a link locks or hides on the page that it opens: ``inside?view=why&method=saliency&lock=view&hide=method``.

What is locked is shown and can not be changed, what is hidden is not shown. Both have the value that the link gives them, or
the one that the page begins with, whatever a browser sends: whoever reads a choice out of the address (``link_state``) gets the
link's value with every look at the page. This holds for the page until the visitor follows another such link, or opens the page
without limits in a tab of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from urllib.parse import urlencode

import streamlit as st

from pages.shared.link_names import NAMES
from pages.shared.markdown import escape_markdown

LOCK, HIDE = "lock", "hide"  # in the address
_PAGE = "locks_page"  # session state: the page that is on screen
_LOCKS = "locks"  # session state: page -> what the link that was followed there locks and hides
_REPORTED = "locks_reported"  # session state: the locks whose unknown names were said


@dataclass(frozen=True, slots=True)
class Locks:
    """locked, hidden: names as the link lists them · values: what the address says of them, for each that it names
    link: the whole link · implied: names that the page fixes because of these"""

    locked: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    link: Mapping[str, str] = field(default_factory=dict)
    implied: tuple[str, ...] = ()

    @property
    def fixed(self) -> tuple[str, ...]:
        """What can not be changed, shown or not."""
        return (*self.locked, *self.hidden, *self.implied)


def follow_locks(address: str) -> None:
    """Keep what the address locks and hides, before the page is drawn. address: of the page"""
    st.session_state[_PAGE] = address
    query = st.query_params.to_dict()
    locked, hidden = (_names(query.get(parameter, "")) for parameter in (LOCK, HIDE))
    if address not in NAMES or not (locked or hidden):
        return
    before = locks()
    earlier = before.values if (before.locked, before.hidden) == (locked, hidden) else {}
    now = {name: query[name] for name in (*locked, *hidden) if name in query}
    st.session_state[_LOCKS] = _all() | {address: Locks(locked, hidden, {**earlier, **now}, query, before.implied)}


def locks() -> Locks:
    """What is fixed on the page that is on screen."""
    return _all().get(page(), Locks())


def page() -> str:
    """The address of the page that is on screen."""
    address: str = st.session_state.get(_PAGE, "")
    return address


def also_fix(names: Collection[str]) -> None:
    """Let names that belong to what is fixed be fixed, too."""
    st.session_state[_LOCKS] = _all() | {page(): replace(locks(), implied=tuple(names))}


def is_fixed(name: str) -> bool:
    """Whether the visitor can not change what the address calls ``name``."""
    return name in locks().fixed


def is_hidden(name: str) -> bool:
    """Whether it is not even shown."""
    return name in locks().hidden


def in_address() -> dict[str, str]:
    """The parameters by which the address locks and hides."""
    current = locks()
    listed = {LOCK: ",".join(current.locked), HIDE: ",".join(current.hidden)}
    return {parameter: names for parameter, names in listed.items() if names}


def leave() -> None:
    """Forget what is fixed on the page that is on screen."""
    st.session_state[_LOCKS] = {address: kept for address, kept in _all().items() if address != page()}
    for name in (LOCK, HIDE):
        st.query_params.pop(name, None)


def show_locks(settings: Mapping[str, str] = MappingProxyType({})) -> None:
    """Say what the page's link keeps as it is, and which names of it do not exist; nothing on a page without locks. All of it
    stands in the address again when the page was left and is opened by the menu.

    settings: names that a form adds to those of the page, with their titles
    """
    current, titles = locks(), {**NAMES.get(page(), {}), **settings}
    if not current.fixed:
        return
    address = {**current.values, **in_address()}
    for parameter, value in address.items():  # also one that a link without locks has another value of
        if st.query_params.get(parameter) != value:
            st.query_params[parameter] = value
    say_unknown([name for name in (*current.locked, *current.hidden) if name not in titles])
    if not titles.keys().isdisjoint(current.fixed):
        say_kept([titles[name] for name in current.locked if name in titles])


def say_kept(titles: list[str], *, without: Collection[str] = ()) -> None:
    """The sentence about what can not be changed, and the way out: a small link at its end to the page as the link has it,
    without locks. It opens in a tab of its own, where nothing is fixed; here all stays as it is.

    titles: of what is shown and locked · without: names of the address that are no part of the link
    """
    what = f"these as they are: {', '.join(titles)}" if titles else "some settings as they are, which are not shown"
    link = {name: value for name, value in locks().link.items() if name not in (LOCK, HIDE, *without)}
    address = f"{page()}?{urlencode(link)}".rstrip("?")
    st.markdown(
        f":small[:material/lock: The link that you followed keeps {what}. [Open without these limits]({address})]"
    )


def say_unknown(names: list[str]) -> None:
    """Warn of names that the link locks or hides and that the page does not know, once for each link."""
    current = locks()
    if st.session_state.get(_REPORTED) == current:
        return
    st.session_state[_REPORTED] = current
    for name in names:
        st.warning(escape_markdown(unknown_sentence(name)), icon=":material/link_off:")


def unknown_sentence(name: str) -> str:
    return f"The link locks or hides a setting that is not here: {name[:40]!r}."


def _all() -> dict[str, Locks]:
    kept: dict[str, Locks] = st.session_state.get(_LOCKS, {})
    return kept


def _names(text: str) -> tuple[str, ...]:
    """Of a list with commas between: each once, in its order."""
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
