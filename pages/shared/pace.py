"""How often a client may ask: as often as any page does, with room for haste, and no more."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

import streamlit as st

QUESTIONS_PER_S = 10.0  # of one client in the long run; a page asks one to three times a second
MAX_IN_A_ROW = (
    40.0  # at once, after a pause; a page whose visitor has just clicked asks six times a second for each part
)
SECONDS_PER_QUESTION = 0.005  # of computing: what has to be made for a client counts as so many questions more
MAX_WAIT_SECONDS = 2.0  # after the one question that took the most, such as the first one of a server
MAX_CLIENTS = 4096  # that are remembered; those longest quiet are forgotten, and may ask as if they were new
HOLD_BACK_SECONDS = 1.0  # that an answer "too often" waits: who asks anew after each answer costs no more than a page


@dataclass(slots=True)
class _Client:
    """left: questions that it may ask now · at: of the monotonic clock, when that was so"""

    left: float
    at: float


class Pace:
    """Of each client how much it may ask (a token bucket), and the marks that tell visitors apart.

    A client is a visitor's session, told by a mark that only this server can give, and gives with a page. Whoever asks
    without one is told by his address: a proxy or a school has one for all, so addresses alone would stop a class.
    """

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._clients: OrderedDict[str, _Client] = OrderedDict()

    def mark(self) -> str:
        """A new visitor's mark."""
        name = secrets.token_hex(8)
        return name + self._signature(name)

    def may_ask(self, mark: str, address: str) -> bool:
        """Whether this question may be answered; if so, it counts. address: of whoever asks"""
        now, client = time.monotonic(), self._client(mark, address)
        with self._lock:
            of_client = self._clients.setdefault(client, _Client(MAX_IN_A_ROW, now))
            self._clients.move_to_end(client)
            if len(self._clients) > MAX_CLIENTS:
                self._clients.popitem(last=False)
            of_client.left = min(MAX_IN_A_ROW, of_client.left + (now - of_client.at) * QUESTIONS_PER_S)
            of_client.at = now
            if of_client.left < 1:
                return False
            of_client.left -= 1
            return True

    def charge(self, mark: str, address: str, seconds: float) -> None:
        """Count the computing that a question took; nobody waits longer than ``MAX_WAIT_SECONDS`` for it."""
        with self._lock:
            if of_client := self._clients.get(self._client(mark, address)):
                of_client.left = max(
                    -MAX_WAIT_SECONDS * QUESTIONS_PER_S, of_client.left - seconds / SECONDS_PER_QUESTION
                )

    def _client(self, mark: str, address: str) -> str:
        return mark if self.is_own(mark) else f"address {address}"

    def is_own(self, mark: str) -> bool:
        """Whether it was given here."""
        name, signature = mark[:16], mark[16:]
        return hmac.compare_digest(signature.encode(), self._signature(name).encode())

    def _signature(self, name: str) -> str:
        return hmac.new(self._secret, name.encode(), hashlib.sha256).hexdigest()[:16]


@st.cache_resource(show_spinner=False)
def pace() -> Pace:
    """One for all visitors."""
    return Pace()
