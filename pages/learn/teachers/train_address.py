"""What a teacher copies from the address line of a Train page: the settings there, or those of a run that is watched."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from core import models
from core.config import RunConfig, all_settings, run_config
from core.errors import ConfigError
from pages.shared.form import from_link
from pages.shared.services import store

ADDRESS_LENGTH = 2_000  # characters
MOST_NOTICES = 5
NOT_SETTINGS = frozenset({"lock", "hide", "challenge", "tip", "about"})


class TrainAddress(NamedTuple):
    """query: what the address says, by name · architectures: those in it · config: of the first one
    notices: a sentence for what of it can not be used"""

    query: dict[str, str]
    architectures: list[str]
    config: RunConfig
    notices: list[str]


def page_and_query(address: str) -> tuple[str, dict[str, str]]:
    """The last part of an address and what it says by name, without what locks. Raises ConfigError for what is no address."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        raise ConfigError(f"This is no address: {address.strip()[:40]!r}") from None
    query = {name: value for name, value in parse_qsl(parts.query) if name not in NOT_SETTINGS}
    return parts.path.rpartition("/")[2], query


def read_address(address: str) -> TrainAddress:
    """Raises ConfigError for no address and for a network that is not here, RunError for a run that is not, StorageError."""
    query = page_and_query(address)[1]
    run_ids = query.pop("run", "")
    if run_ids and not query:  # beside settings they are only watched
        config = store().run(run_ids.split(",")[0].strip()).run_config()
        return TrainAddress(config.link(), [config.architecture], config, [])
    architectures = [name.strip() for name in query.get("architecture", models.RECOMMENDED).split(",")]
    for name in architectures:
        if name not in models.TABLE:
            raise ConfigError(f"The address asks for a network that is not here: {name[:40]!r}")
    first = architectures[0]
    own = {key.removeprefix(f"{first}."): value for key, value in query.items() if key.startswith(f"{first}.")}
    values, notices = from_link(first, query | own)
    names = {
        key
        for architecture in architectures
        for setting in all_settings(architecture)
        for key in (setting.name, *setting.old_names)
    }
    notices += [
        f"The address names a setting that is not here: {key[:40]!r}"
        for key in query
        if key != "architecture" and key.split(".")[-1] not in names
    ]
    return TrainAddress(query, architectures, run_config(first, values), notices[:MOST_NOTICES])
