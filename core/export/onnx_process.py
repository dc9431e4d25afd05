"""An ONNX file made in a process of its own: it takes seconds of Python, for which training in this one would have to wait.

    python -m core.export.onnx_process FOLDER

is that process. It reads the network from the folder, prints at every beat what it does, and leaves the file.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import RunError
from core.machine.child import child, run_child, why_ended

if TYPE_CHECKING:
    from core.engine.events import Arrays

REQUEST, WEIGHTS, FILE, RESULT = "request.json", "weights.safetensors", "file.onnx", "result.json"  # in the folder
BEAT_SECONDS = 0.3  # between two signs of life, at which the other side may say that it is enough
# What the process does before it begins with ``core.export.onnx_graph.STEPS``.
LOADING = "PyTorch and ONNX are loaded"


def onnx_apart(
    request: Mapping[str, Any],
    weights: Arrays,
    on_step: Callable[[str, float], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> tuple[bytes, dict[str, Any]]:
    """The file, and what was measured of it: ``difference``, ``n``, ``n_same``, ``seconds``.

    request: ``config``, ``mean``, ``std`` and ``metadata`` (texts), plain values · weights: state dict name -> array
    on_step: told what is done now, and as which share of all steps · should_stop: asked several times a second
    Raises RunError when it was stopped, failed, or answers otherwise than torch.
    """
    from safetensors.numpy import save_file

    with tempfile.TemporaryDirectory(prefix="digit-lab-onnx-") as name:
        folder = Path(name)
        (folder / REQUEST).write_text(json.dumps(request), "utf-8")
        save_file(dict(weights), folder / WEIGHTS)
        with child("core.export.onnx_process", folder) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if should_stop and should_stop():
                    process.kill()
                    raise RunError("The making of the ONNX file was stopped.")
                if on_step:
                    share, _, words = line.strip().partition(" ")
                    on_step(words, float(share))
        if why := why_ended(process, folder, "The ONNX file could not be made"):
            raise RunError(why)
        result: dict[str, Any] = json.loads((folder / RESULT).read_text("utf-8"))
        return (folder / FILE).read_bytes(), result


class _Beats:
    """Says what is done now, again and again; where nobody listens any more, the process ends."""

    def __init__(self) -> None:
        self.words, self.share = LOADING, 0.0
        self._say = os.fdopen(os.dup(sys.stdout.fileno()), "w")
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what else is printed is not for the other side
        threading.Thread(target=self._beat, name="beats", daemon=True).start()

    def _beat(self) -> None:
        while True:
            try:
                print(self.share, self.words, file=self._say, flush=True)
            except OSError:
                os._exit(1)
            time.sleep(BEAT_SECONDS)


def _main(folder: Path) -> None:
    """Make the file of the folder."""
    beats, began = _Beats(), time.monotonic()
    from safetensors.numpy import load_file

    from core.config import parse
    from core.engine.evaluate import Predictor
    from core.export.onnx_graph import STEPS, to_onnx
    from core.machine.threads import use_one_thread

    def begin(step: int) -> None:
        beats.words, beats.share = STEPS[step], (step + 1) / (len(STEPS) + 1)

    use_one_thread()
    request = json.loads((folder / REQUEST).read_text("utf-8"))
    predictor = Predictor(parse(request["config"]), load_file(folder / WEIGHTS), request["mean"], request["std"])
    content, agreement = to_onnx(predictor, request["metadata"], begin)
    (folder / FILE).write_bytes(content)
    result = {
        "difference": agreement.difference, "n": agreement.n, "n_same": agreement.n_same,
        "seconds": time.monotonic() - began,
    }  # fmt: skip
    (folder / RESULT).write_text(json.dumps(result), "utf-8")


if __name__ == "__main__":
    sys.exit(run_child(_main))
