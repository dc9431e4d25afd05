"""The two ways a user's input can be wrong. Both carry one sentence that a page or a terminal can show as it is."""


class InputError(ValueError):
    """Something a person gave us is not usable; ``str(error)`` is the sentence to show them."""


class ConfigError(InputError):
    """A setting is out of range; ``fields`` names the settings at fault."""

    def __init__(self, message: str, fields: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.fields = fields


class DataError(InputError):
    """A file is not the data it claims to be (or is not there)."""


class RunError(InputError):
    """A run is unknown, damaged, or not in the state that was asked for."""
