"""What a computation may fail with, as the one kind of error that every page and command shows in a sentence."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import InputError

# In what words torch says so where it has no error of its own for it: on a CPU (the last two on Linux and Windows) and on
# an Apple GPU.
OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


@contextmanager
def faults_as_input_errors() -> Iterator[None]:
    """Around whatever torch or another library computes for a page. Its faults (a missing kernel, memory that ran out, a value
    that a layer does not take) become an InputError; the log keeps where they happened."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        logging.getLogger(__name__).exception("A computation failed")
        raise InputError(fault_sentence(error)) from error


def is_out_of_memory(error: Exception) -> bool:
    """Whether a computation failed because there was too little memory for it, on whatever device."""
    from torch import OutOfMemoryError

    if isinstance(error, (MemoryError, OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in OUT_OF_MEMORY)


def fault_sentence(error: Exception) -> str:
    """What a person is told of a fault of torch or another library."""
    if is_out_of_memory(error):
        return "There is not enough memory for this; a smaller batch or a smaller network needs less"
    first_line = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    reason = f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__
    return f"This computer could not compute it ({reason.rstrip('.')})"
