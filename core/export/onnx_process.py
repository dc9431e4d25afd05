"""An ONNX file made in a process of its own: it takes seconds of Python, for which training in this one would have to wait.

    python -m core.export.onnx_process FOLDER

is that process. It reads the network from the folder, prints at every beat what it does, and leaves the file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import InputError, RunError

if TYPE_CHECKING:
    from core.engine.events import Arrays

ROOT = Path(__file__).parents[2]
REQUEST, WEIGHTS, FILE, RESULT, ERRORS = "request.json", "weights.safetensors", "file.onnx", "result.json", "errors.txt"
BEAT_SECONDS = 0.3  # between two signs of life, at which the other side may say that it is enough
NICENESS = 5  # whoever trains or waits for a page comes first, and it still gets on beside them
REFUSED = 2  # exit code: standard error says why in a sentence
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
        command = [sys.executable, "-m", "core.export.onnx_process", name]
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        with (folder / ERRORS).open("w", encoding="utf-8") as errors, subprocess.Popen(  # noqa: S603 - this very file
            command, cwd=ROOT, env=os.environ | threads, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
            text=True,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            for line in process.stdout:
                if should_stop and should_stop():
                    process.kill()
                    raise RunError("The making of the ONNX file was stopped.")
                if on_step:
                    share, _, words = line.strip().partition(" ")
                    on_step(words, float(share))
        if process.returncode:
            *_, last = ["no reason", *(folder / ERRORS).read_text("utf-8").strip().split("\n")]
            raise RunError(last if process.returncode == REFUSED else f"The ONNX file could not be made ({last})")
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


def _main(folder: Path) -> int:
    """Make the file of the folder; the exit code."""
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
    try:
        content, agreement = to_onnx(predictor, request["metadata"], begin)
    except InputError as error:
        print(error, file=sys.stderr)
        return REFUSED
    (folder / FILE).write_bytes(content)
    result = {
        "difference": agreement.difference, "n": agreement.n, "n_same": agreement.n_same,
        "seconds": time.monotonic() - began,
    }  # fmt: skip
    (folder / RESULT).write_text(json.dumps(result), "utf-8")
    return 0


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    sys.exit(_main(Path(sys.argv[1])))
