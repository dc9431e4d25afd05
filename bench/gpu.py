"""Every architecture on a GPU: one epoch of MNIST by the engine, beside a loop by hand over tensors that lie on the GPU.

    python -m bench.gpu [ARCHITECTURE ...] [--batch 128] [--device cuda] [--images 60000] [--json]

Default settings, Adam at 0.001, with 32-bit and with 16-bit numbers. The engine's seconds hold its events, checkpoints and the
judging of the untrained network; the loop by hand begins after twenty batches that warm it up, and answers nothing. The first
network of all trains once before, since the first use of a GPU loads its libraries.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import torch
import torch.nn.functional as F

from core import data, models
from core.config import Precision, run_config
from core.data.dataset import Dataset
from core.engine.evaluate import evaluate
from core.engine.events import Checkpoint, Finished
from core.engine.seeds import WithOwnRng
from core.engine.train import train
from core.machine.device import available_devices
from core.machine.processor import cpu_model

MEAN, STD, LR, WARM_UP_BATCHES = 0.1307, 0.3081, 0.001, 20
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")


def by_hand(name: str, batch: int, precision: Precision, device: str, dataset: Dataset, n_images: int) -> float:
    """Seconds of one epoch of the shortest loop."""
    images = torch.from_numpy(dataset.train_images.copy()).to(device).float().div(255).sub(MEAN).div(STD)[:, None]
    labels = torch.from_numpy(dataset.train_labels.copy()).long().to(device)
    module = models.get(name).build(models.get(name).config()).to(device).train()
    optimizer = torch.optim.Adam(module.parameters(), LR)

    def learn(n: int) -> None:
        order = torch.randperm(len(images), device=device)[:n]
        for part in torch.split(order, batch):
            optimizer.zero_grad()
            with torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
                logits = module(images[part])
            F.cross_entropy(logits.float(), labels[part]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()

    learn(min(n_images, WARM_UP_BATCHES * batch))
    began = time.perf_counter()
    learn(n_images)
    return time.perf_counter() - began


def by_engine(
    name: str, batch: int, precision: Precision, device: str, dataset: Dataset, n_images: int
) -> tuple[float, float]:
    """Seconds of one epoch as a run, and its accuracy on the test images."""
    values = {"dataset": dataset.name, "val_fraction": 0.0, "n_train": n_images, "epochs": 1, "batch_size": batch}
    config = run_config(name, {**values, "precision": precision, "device": device})
    began = time.perf_counter()
    events: list[Any] = list(WithOwnRng(train(config, dataset)))
    seconds = time.perf_counter() - began
    if not isinstance(events[-1], Finished):
        raise SystemExit(f"{name} did not finish: {events[-1]}")
    best = next(event.best_weights for event in reversed(events) if isinstance(event, Checkpoint))
    evaluation = evaluate(config, best, dataset, "test")
    return seconds, evaluation.score.accuracy if evaluation else 0.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("architectures", nargs="*", metavar="ARCHITECTURE", default=list(models.TABLE))
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    if options.device not in available_devices():
        parser.error(f"there is no {options.device} here, only {', '.join(available_devices())}")
    dataset = data.load("mnist" if data.DATASETS["mnist"].is_present() else data.EMBEDDED)
    n_images = min(options.images, len(dataset.train_labels))
    device = torch.cuda.get_device_name() if options.device == "cuda" else cpu_model()
    if not options.json:
        print(f"{device}, torch {torch.__version__}, {dataset.title}, {n_images:,} images, batches of {options.batch}")
    work = options.batch, options.device, dataset, n_images
    by_engine(options.architectures[0], work[0], "fp32", *work[1:])
    for name in options.architectures:
        row: dict[str, Any] = {"architecture": name, "device": device, "batch": options.batch, "images": n_images}
        for precision in PRECISIONS:
            row[f"by_hand_{precision}"] = by_hand(name, work[0], precision, *work[1:])
            row[f"engine_{precision}"], row[f"accuracy_{precision}"] = by_engine(name, work[0], precision, *work[1:])
        print(json.dumps(row) if options.json else _line(row), flush=True)
    return 0


def _line(row: dict[str, Any]) -> str:
    cells = (
        f"{precision}: by hand {row[f'by_hand_{precision}']:6.2f} s, engine {row[f'engine_{precision}']:6.2f} s, "
        f"test accuracy {row[f'accuracy_{precision}']:.2%}"
        for precision in PRECISIONS
    )
    return f"{row['architecture']:12} {'   '.join(cells)}"


if __name__ == "__main__":
    raise SystemExit(main())
