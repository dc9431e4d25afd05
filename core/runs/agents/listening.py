"""A run that another process computes: its events come as messages, and what is wanted of it goes back as messages."""

from __future__ import annotations

import queue
from collections.abc import Mapping
from typing import Any, Protocol

from core.engine.events import Event
from core.runs.agents import AgentLost, Ended, ShouldStop, wire

MAX_UNTAKEN_EVENTS = 64  # of a run; with more, whoever computes waits for whoever takes them


class Speaker(Protocol):
    """Whoever computes one run at a time, and tells of it.

    messages: that nobody has taken yet · lost: it is gone, and what it said before it went can still be taken
    machine: see ``Computation``
    """

    messages: queue.Queue[wire.Message]
    lost: bool
    machine: Mapping[str, Any]

    def say(self, values: wire.Values) -> None:
        """values: with "do", which is "stop", "pause" or "go on". To one that is gone nothing needs to be said."""

    def end(self) -> None:
        """Kill it."""

    def free(self) -> None:
        """Its run has ended."""

    def why_lost(self) -> str:
        """What has become of one that is gone, in a sentence."""


def next_message(speaker: Speaker) -> wire.Message | None:
    """What it said next, None where it has said nothing new. Raises AgentLost."""
    lost = speaker.lost  # asked first: what was said before it went lies there by then
    try:
        return speaker.messages.get_nowait()
    except queue.Empty:
        if lost:
            raise AgentLost(speaker.why_lost()) from None
        return None


class Listening:
    """See ``Computation``. is_paused: it was told to compute nothing more"""

    def __init__(self, speaker: Speaker, should_stop: ShouldStop) -> None:
        self.is_paused = False
        self._speaker, self._should_stop = speaker, should_stop
        self._was_stopped = self._is_over = self._is_closed = False

    @property
    def machine(self) -> Mapping[str, Any]:
        return self._speaker.machine

    def take(self) -> Event | Ended | None:
        if self.is_paused:
            self.is_paused = False
            self._speaker.say({"do": "go on"})
        if not self._was_stopped and self._should_stop():
            self._was_stopped = True
            self._speaker.say({"do": "stop"})
        return self._arrived()

    def pause(self) -> list[Event | Ended]:
        if not self.is_paused:
            self.is_paused = True
            self._speaker.say({"do": "pause"})
        events: list[Event | Ended] = []
        try:
            while not self._is_over and (event := self._arrived()) is not None:
                events.append(event)
        except AgentLost:
            if not events:
                raise
        return events

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        if not self._is_over:
            self._speaker.end()
        self._speaker.free()

    def _arrived(self) -> Event | Ended | None:
        message = next_message(self._speaker)
        if message is None:
            return None
        if message.values["message"] == "ended":
            self._is_over = True
            return wire.ended_of(message)
        return wire.event_of(message)
