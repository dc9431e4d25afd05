"""What a user would otherwise write: one epoch and one look at the test images, in every way that is common.

    python -m bench.peers PEER MODEL [--batch 64] [--images 60000] [--threads 2]

Runs one way once, in this process, and prints one JSON object: seconds of training, seconds of answering the test images,
and the accuracy. ``bench.engine`` starts it in a fresh process for each measurement. Loading the data, building the network
and, for Keras, compiling it are not timed. All peers train the same network, at its default settings, with Adam at 0.001.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# The peers name the classes of libraries that the product does not need; each is imported where it is used.
LR, MEAN, STD, N_TEST = 0.001, 0.1307, 0.3081, 10_000
MODELS = ("mlp", "cnn", "compact", "resnet", "vit", "mixer", "lstm", "gru")


class Work(NamedTuple):
    """One measurement: model, one of ``MODELS`` · batch, images: how many are learned from at once, and in all"""

    model: str
    batch: int
    images: int


class Took(NamedTuple):
    """train, test: seconds · accuracy: fraction on the test images"""

    train: float
    test: float
    accuracy: float


Peer = Callable[[Work], Took]


def _network(model: str) -> Any:
    """The product's own network; the CNN in the order in which everybody writes it, convolution, ReLU, pooling, which gives
    the same numbers."""
    from torch import nn

    from core import models

    module: Any = models.get(model).build(models.get(model).config())
    if model == "cnn":
        parts = list(module.blocks)
        module.blocks = nn.Sequential(*(parts[place] for place in (0, 2, 1, 3, 5, 4)))
    return module


def _arrays(images: int) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]:
    from core import data

    mnist = data.load("mnist")
    parts = mnist.train_images[:images], mnist.train_labels[:images], mnist.test_images, mnist.test_labels
    return tuple(np.array(part) for part in parts)  # type: ignore[return-value]


def _timed(train: Callable[[], None], test: Callable[[], float]) -> Took:
    began = time.perf_counter()
    train()
    trained = time.perf_counter()
    accuracy = test()
    return Took(trained - began, time.perf_counter() - trained, accuracy)


def _loaders(work: Work, workers: int) -> tuple[Any, Any]:
    """torchvision's own dataset over arrays in memory: ToTensor and Normalize for each image, as in every tutorial."""
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset
    from torchvision.transforms import Compose, Normalize, ToTensor

    look = Compose([ToTensor(), Normalize((MEAN,), (STD,))])

    class Digits(Dataset[Any]):
        """What ``torchvision.datasets.MNIST`` does for an index, without its download."""

        def __init__(self, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
            self.images, self.labels = images, labels

        def __len__(self) -> int:
            return len(self.labels)

        def __getitem__(self, index: int) -> tuple[Any, int]:
            return look(Image.fromarray(self.images[index], mode="L")), int(self.labels[index])

    train_images, train_labels, test_images, test_labels = _arrays(work.images)
    learned = DataLoader(Digits(train_images, train_labels), work.batch, shuffle=True, num_workers=workers)
    return learned, DataLoader(Digits(test_images, test_labels), work.batch, num_workers=workers)


def dataloader(work: Work, workers: int = 0) -> Took:
    """The loop of the tutorials."""
    import torch
    from torch import nn

    train_loader, test_loader = _loaders(work, workers)
    module, loss_of = _network(work.model), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(module.parameters(), LR)

    def train() -> None:
        module.train()
        total = 0.0
        for images, labels in train_loader:
            optimizer.zero_grad()
            loss = loss_of(module(images), labels)
            loss.backward()
            optimizer.step()
            total += loss.item()

    def test() -> float:
        module.eval()
        right = 0
        with torch.no_grad():
            for images, labels in test_loader:
                right += int((module(images).argmax(1) == labels).sum().item())
        return right / N_TEST

    return _timed(train, test)


def _tensors(work: Work) -> tuple[Any, Any, Any, Any]:
    """Everything normalised beforehand: images (N, 1, 28, 28) float, labels (N,)."""
    import torch

    train_images, train_labels, test_images, test_labels = _arrays(work.images)
    ready = [torch.from_numpy(one).float().div(255).sub(MEAN).div(STD)[:, None] for one in (train_images, test_images)]
    return ready[0], torch.from_numpy(train_labels), ready[1], torch.from_numpy(test_labels)


def bare(work: Work) -> Took:
    """The shortest loop by hand, over tensors that are normalised beforehand."""
    import torch
    import torch.nn.functional as F

    train_images, train_labels, test_images, test_labels = _tensors(work)
    module = _network(work.model)
    optimizer = torch.optim.Adam(module.parameters(), LR)

    def train() -> None:
        module.train()
        order = torch.randperm(len(train_images))
        for start in range(0, len(order), work.batch):
            batch = order[start : start + work.batch]
            optimizer.zero_grad()
            F.cross_entropy(module(train_images[batch]), train_labels[batch]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    def test() -> float:
        module.eval()
        with torch.no_grad():
            predictions = [module(part).argmax(1) for part in torch.split(test_images, 1_000)]
        return float((torch.cat(predictions) == test_labels).float().mean())

    return _timed(train, test)


def lightning(work: Work) -> Took:
    """PyTorch Lightning over the tutorials' loader, its bars and logs switched off."""
    import lightning.pytorch as pl
    import torch
    import torch.nn.functional as F

    train_loader, test_loader = _loaders(work, 0)

    class Module(pl.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.module = _network(work.model)

        def training_step(self, batch: Any, index: int) -> Any:
            return F.cross_entropy(self.module(batch[0]), batch[1])

        def test_step(self, batch: Any, index: int) -> None:
            right = (self.module(batch[0]).argmax(1) == batch[1]).float().mean()
            self.log("accuracy", right, batch_size=len(batch[1]))

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters(), LR)

    quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    trainer, module = pl.Trainer(max_epochs=1, accelerator="cpu", **quiet), Module()
    return _timed(
        lambda: trainer.fit(module, train_loader),
        lambda: float(trainer.test(module, test_loader, verbose=False)[0]["accuracy"]),
    )


def skorch(work: Work) -> Took:
    """skorch, scikit-learn's manners for torch, over arrays."""
    import torch
    from skorch import NeuralNetClassifier

    train_images, train_labels, test_images, test_labels = (one.numpy() for one in _tensors(work))
    net = NeuralNetClassifier(
        _network(work.model), criterion=torch.nn.CrossEntropyLoss, optimizer=torch.optim.Adam, lr=LR, max_epochs=1,
        batch_size=work.batch, train_split=None, verbose=0, iterator_train__shuffle=True,
    )  # fmt: skip
    return _timed(
        lambda: net.fit(train_images, train_labels), lambda: float((net.predict(test_images) == test_labels).mean())
    )


def keras(work: Work) -> Took:
    """``fit`` and ``evaluate`` of Keras 3 over arrays, on the backend that the environment names."""
    from keras import losses, optimizers

    from bench.keras_networks import image_shape, network

    train_images, train_labels, test_images, test_labels = (one.numpy() for one in _tensors(work))
    shape = image_shape(work.model)
    train_images, test_images = train_images.reshape(-1, *shape), test_images.reshape(-1, *shape)
    module = network(work.model)
    module.compile(optimizers.Adam(LR), losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    how: dict[str, Any] = {"batch_size": work.batch, "verbose": 0}
    learned, read = (slice(work.batch + n % work.batch) for n in (work.images, N_TEST))  # compiles: both sizes
    module.fit(train_images[learned], train_labels[learned], **how)
    module.evaluate(test_images[read], test_labels[read], **how)
    return _timed(
        lambda: module.fit(train_images, train_labels, **how),
        lambda: float(module.evaluate(test_images, test_labels, **how)[1]),
    )


def digit_lab(work: Work, precision: str = "fp32") -> Took:
    """The engine, with everything a run has: progress, the judging of the untrained network, checkpoints, the final answers."""
    from core import data
    from core.config import run_config
    from core.engine.evaluate import evaluate
    from core.engine.events import Checkpoint, Finished
    from core.engine.seeds import WithOwnRng
    from core.engine.train import train
    from core.machine.device import resolve_device
    from core.machine.precision import check_precision

    config = run_config(
        work.model, {"dataset": "mnist", "val_fraction": 0.0, "epochs": 1, "batch_size": work.batch, "n_train": work.images,
                     "optimizer": "adam", "lr": LR, "precision": precision},
    )  # fmt: skip
    check_precision(config, resolve_device(config.training.device))
    dataset = data.load("mnist")
    events: list[Any] = []

    def learn() -> None:
        events.extend(WithOwnRng(train(config, dataset)))
        if not isinstance(events[-1], Finished):
            raise SystemExit(f"the run did not finish: {events[-1]}")

    def test() -> float:
        best = next(event.best_weights for event in reversed(events) if isinstance(event, Checkpoint))
        evaluation = evaluate(config, best, dataset, "test")
        return evaluation.score.accuracy if evaluation else 0.0

    return _timed(learn, test)


PEERS: Mapping[str, tuple[str, Peer]] = {
    "dataloader": ("torchvision dataset, DataLoader", dataloader),
    "dataloader-2": ("the same, two workers", lambda work: dataloader(work, 2)),
    "lightning": ("Lightning", lightning),
    "skorch": ("skorch", skorch),
    "keras-torch": ("Keras on torch", keras),
    "keras-jax": ("Keras on JAX", keras),
    "bare": ("a loop by hand over tensors", bare),
    "digit-lab": ("Digit Lab", digit_lab),
    "digit-lab-bf16": ("Digit Lab, bf16", lambda work: digit_lab(work, "bf16")),
}


def main() -> int:
    """Exit code 0; 3 when the peer's library is not installed, or this machine has not the numbers it computes with."""
    from core.errors import ConfigError

    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    if options.peer.startswith("keras"):
        os.environ["KERAS_BACKEND"] = options.peer.removeprefix("keras-")
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    try:
        import torch

        torch.set_num_threads(options.threads)
        _warm_up()
        took = PEERS[options.peer][1](Work(options.model, options.batch, options.images))
    except (ModuleNotFoundError, ConfigError) as error:
        print(error, file=sys.stderr)
        return 3
    print(json.dumps(took._asdict()))
    return 0


def _warm_up() -> None:
    """The first use of an optimizer imports torch's compiler, which takes a second and is nobody's training."""
    import torch

    weight = torch.nn.Parameter(torch.zeros(1))
    weight.grad = torch.zeros(1)
    torch.optim.Adam([weight], LR).step()


if __name__ == "__main__":
    sys.exit(main())
