"""The engine against what a user would otherwise write: one epoch and one look at the test images.

    python -m bench.engine [MODEL:BATCH ...] [--rounds 5] [--images 60000] [--threads 2] [--peers a,b] [--avx2]
                           [--quick] [--json]

Every measurement is a fresh process; in each round every peer runs once, in turn, so that a slow moment of the machine meets
all of them. Printed are medians over the rounds and their ratio to the tutorials' DataLoader loop. A library that is not
installed is left out and named (``pip install -r bench/requirements.txt``). --avx2: torch is held to the
instructions of a processor without AVX-512 and 16-bit units, as most laptops have; Keras on JAX, which can not be, is left out.
--quick: few images, two rounds, under 50 s; says whether it runs, and no more than that.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch

from bench.peers import MODELS, PEERS
from core.machine.processor import cpu_model

CASES = ("mlp:64", "mlp:128", "cnn:64", "compact:64", "resnet:64", "vit:64", "mixer:64", "lstm:128", "gru:128")
QUICK_CASES, QUICK_PEERS = ("mlp:64",), ("dataloader", "bare", "digit-lab")
AGAINST = "dataloader"
# What each library that multiplies is told: torch's own kernels, oneDNN, MKL.
AVX2: Mapping[str, str] = {
    "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2",
}  # fmt: skip
# Who can not be held to it. The matrix products of JAX come from YNNPACK, which asks the processor itself: with
# XLA_FLAGS=--xla_cpu_max_isa=AVX2, JAX 0.10 is still seen in ``ynn::dot_fp32_5x64x1_1x16x1_avx512``.
NOT_ON_AVX2 = ("keras-jax", "digit-lab-bf16")


def measure(
    peer: str, case: str, images: int, threads: int, environment: Mapping[str, str] = MappingProxyType({})
) -> dict[str, float] | None:
    """Seconds of one run in a process of its own; None when this machine lacks what it needs. Raises RuntimeError.

    environment: variables of that process, besides this one's
    """
    model, batch = case.split(":")
    command = [
        sys.executable, "-m", "bench.peers", peer, model, "--batch", batch, "--images", str(images), "--threads", str(threads),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})
    if done.returncode == 3:
        return None
    if done.returncode:
        raise RuntimeError(f"{peer} on {case} failed:\n{done.stderr.strip()[-2000:]}")
    seconds: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return seconds


def rounds(
    case: str, peers: Sequence[str], n: int, images: int, threads: int, environment: Mapping[str, str]
) -> dict[str, list[dict[str, float]]]:
    """What each peer took in each of n interleaved rounds; peers that this machine lacks something for are not in it."""
    times: dict[str, list[dict[str, float]]] = {peer: [] for peer in peers}
    for turn in range(n):
        # Every round begins with another one: nobody always comes after the same neighbour.
        order = [*peers[turn % len(peers) :], *peers[: turn % len(peers)]]
        for peer in order:
            took = measure(peer, case, images, threads, environment) if peer in times else None
            if took is None:
                times.pop(peer, None)
            else:
                times[peer].append(took)
    return times


def row(
    case: str, peer: str, took: Sequence[Mapping[str, float]], against: Sequence[Mapping[str, float]]
) -> dict[str, Any]:
    """Medians of one peer, and how many times faster it is than the loop it is held against (epoch and test together)."""
    whole = [one["train"] + one["test"] for one in took]
    theirs = [one["train"] + one["test"] for one in against]
    return {
        "case": case, "peer": peer, "title": PEERS[peer][0], "rounds": len(took),
        "train_s": statistics.median(one["train"] for one in took),
        "test_s": statistics.median(one["test"] for one in took),
        "whole_s": statistics.median(whole), "whole_low_s": min(whole), "whole_high_s": max(whole),
        "ratio": statistics.median(theirs) / statistics.median(whole) if theirs else None,
        "test_ratio": _ratio("test", took, against), "accuracy": statistics.median(one["accuracy"] for one in took),
    }  # fmt: skip


def _ratio(what: str, took: Sequence[Mapping[str, float]], against: Sequence[Mapping[str, float]]) -> float | None:
    if not against:
        return None
    return statistics.median(one[what] for one in against) / statistics.median(one[what] for one in took)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 for bad input."""
    parser = argparse.ArgumentParser(prog="python -m bench.engine", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("cases", nargs="*", metavar="MODEL:BATCH", help=f"default {' '.join(CASES)}")
    parser.add_argument("--rounds", type=int, default=5, help="default 5")
    parser.add_argument("--images", type=int, default=60_000, help="images to learn from, default 60000")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="default: all cores")
    parser.add_argument("--peers", default=",".join(PEERS), help=f"default {','.join(PEERS)}")
    parser.add_argument("--avx2", action="store_true", help="as on a processor without AVX-512 and 16-bit units")
    parser.add_argument("--quick", action="store_true", help="few images, two rounds")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    cases, peers = options.cases or CASES, options.peers.split(",")
    if options.quick:
        cases, peers, options.rounds, options.images = QUICK_CASES, list(QUICK_PEERS), 2, 4_000
    wrong = [case for case in cases if case.split(":")[0] not in MODELS or not case.split(":")[-1].isdigit()]
    if wrong or not set(peers) <= PEERS.keys() or options.rounds < 1:
        print(f"not a case or a peer: {', '.join([*wrong, *(set(peers) - PEERS.keys())])}", file=sys.stderr)
        return 2
    environment = AVX2 if options.avx2 else {}
    if options.avx2:
        peers = [peer for peer in peers if peer not in NOT_ON_AVX2]
    if not peers:
        print(f"none of these can be held to AVX2: {options.peers}", file=sys.stderr)
        return 2
    about = {
        "cpu": f"{cpu_model()}{', held to AVX2' if options.avx2 else ''}", "threads": options.threads,
        "images": options.images, "rounds": options.rounds, "torch": torch.__version__, "python": platform.python_version(),
    }  # fmt: skip
    print(
        json.dumps({"about": about}) if options.json else "  ".join(f"{name}: {value}" for name, value in about.items())
    )
    for case in cases:
        times = rounds(case, peers, options.rounds, options.images, options.threads, environment)
        for peer, took in times.items():
            figures = row(case, peer, took, times.get(AGAINST, []))
            print(json.dumps(figures) if options.json else _text(figures), flush=True)
        for peer in peers:
            if peer not in times:
                print(f"{case}  {PEERS[peer][0]}: not installed, or no 16-bit arithmetic here", file=sys.stderr)
    return 0


def _text(figures: Mapping[str, Any]) -> str:
    ratio = f"{figures['ratio']:6.2f}x" if figures["ratio"] else ""
    test = f", test alone {figures['test_ratio']:.2f}x" if figures["test_ratio"] else ""
    return (
        f"{figures['case']:<9} {figures['title']:<34} "
        f"{figures['whole_s']:8.2f} s ({figures['whole_low_s']:.2f} to {figures['whole_high_s']:.2f}; "
        f"training {figures['train_s']:.2f}, test {figures['test_s']:.2f}) {ratio}{test}, accuracy {figures['accuracy']:.2%}"
    )


if __name__ == "__main__":
    sys.exit(main())
