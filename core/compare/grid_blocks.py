"""How two settings act together: the cells of a grid, judged block by block over the seeds that ended in all four cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from core.analysis.interactions import SIGNS, BlockNames, Contrast, Outcome, contrast, outcome_of, sentence_of
from core.analysis.statistics import Numbers, holm, wide_interval
from core.analysis.verdicts import fewest_seeds
from core.compare.conditions import Answers, Condition, accuracy_words, judged_split, on_redrawn_images
from core.fields import SPLIT_WORDS, SplitName


@dataclass(frozen=True, slots=True)
class Block:
    """Four cells: two neighbouring values of each setting.

    names: of the settings and of the values that are changed · figures: None before a seed has finished in all four
    p: ``figures.p`` after Holm, over all blocks · sentence: what can be said of it
    wide: 95 % interval of the contrast with other seeds and other images; None where answers are not at hand
    """

    names: BlockNames
    figures: Contrast | None
    p: float | None
    outcome: Outcome
    sentence: str
    wide: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class GridVerdict:
    """What a whole grid shows: its blocks, row by row, and one outcome over all of them.

    summary: of several blocks, in one sentence; of one block what can be said of it
    """

    blocks: tuple[Block, ...]
    outcome: Outcome
    summary: str

    @property
    def claims(self) -> tuple[Block, ...]:
        """The blocks of several in which the effects do not add up."""
        return tuple(block for block in self.blocks if block.outcome == "interact") if len(self.blocks) > 1 else ()

    @property
    def sentence(self) -> str:
        """All of it in a row."""
        return " ".join([self.summary, *(block.sentence for block in self.claims)])


def n_blocks(n_rows: int, n_columns: int) -> int:
    """How many blocks of neighbouring values are judged together."""
    return (n_rows - 1) * (n_columns - 1)


def judge_grid(
    members: Sequence[Condition], factors: Sequence[Mapping[str, Any]], answers: Answers | None = None
) -> GridVerdict:
    """The cells of a grid, row by row. factors: as its plan keeps them · answers: for what other test images would do

    Nothing is claimed before all runs of a block have ended, nor where nobody knows what one of them would have shown.
    """
    first, second = factors
    n_rows, n_columns = len(first["values"]), len(second["values"])
    corners = list(product(range(n_rows - 1), range(n_columns - 1)))
    # Neither, first changed, second changed, both: the order of ``SIGNS``.
    cells = [
        [members[(row + down) * n_columns + column + right] for right, down in product((0, 1), repeat=2)]
        for row, column in corners
    ]
    split, n = judged_split(members), len(corners)
    figures = [_contrast(four, split, n) for four in cells]
    raised = holm([1.0 if block is None else block.p for block in figures])
    redrawn = on_redrawn_images(members, split, answers) if answers and any(figures) else {}
    blocks = []
    for (row, column), four, own, p in zip(corners, cells, figures, raised, strict=True):
        names = BlockNames(
            first["title"], second["title"],
            (first["values"][row], first["values"][row + 1]), (second["values"][column], second["values"][column + 1]),
        )  # fmt: skip
        blocks.append(_block(names, four, own, p, n, split, _wide(four, split, redrawn)))
    if n == 1:
        return GridVerdict(tuple(blocks), blocks[0].outcome, blocks[0].sentence)
    return GridVerdict(tuple(blocks), *_over_all(blocks, members, split))


def _contrast(cells: Sequence[Condition], split: SplitName, blocks: int) -> Contrast | None:
    results = [cell.results(split) for cell in cells]
    common = set(results[0]).intersection(*results[1:])
    if not any(all(own[seed] is not None for own in results) for seed in common):
        return None
    return contrast(results, blocks)


def _block(
    names: BlockNames,
    cells: Sequence[Condition],
    figures: Contrast | None,
    p: float,
    blocks: int,
    split: SplitName,
    wide: tuple[float, float] | None,
) -> Block:
    if figures is None:
        yet = " yet" * any(not run.has_ended for cell in cells for run in cell.runs)
        sentence = f"{names.settings}: no seed has finished in all four cells{yet}.{_losses(cells, split)}"
        return Block(names, None, None, "unknown", sentence)
    outcome, early = outcome_of(figures, p, blocks), ""
    if outcome != "unknown":
        early = _too_early(cells, split)
        outcome = "unknown" if early else outcome
    n = next(iter(cells[0].finished(split).values())).summary[f"n_{split}"]
    sentence = sentence_of(
        names, figures, outcome, p, blocks=blocks, measured=accuracy_words(split),
        images=f"these {n:,} {SPLIT_WORDS[split]} images", wide=wide, early=early,
    )  # fmt: skip
    return Block(names, figures, p, outcome, sentence + _losses(cells, split), wide)


def _too_early(cells: Sequence[Condition], split: SplitName) -> str:
    """Why nothing may be claimed of these cells, whatever the figures are; "" where it may."""
    to_come = sum(not run.has_ended for cell in cells for run in cell.runs)
    if to_come:
        runs = "1 run has" if to_come == 1 else f"{to_come:,} runs have"
        return f"It is too early: {runs} not ended yet, and who looks often enough sees a pattern by luck."
    missing = sum(_n_missing(cell, split) for cell in cells)
    if missing:
        runs = "1 of the runs" if missing == 1 else f"{missing:,} of the runs"
        return f"Nobody knows what {runs} would have shown."
    return ""


def _n_missing(cell: Condition, split: SplitName) -> int:
    """Runs of which nobody knows any more what they would have shown; all of them where none is left."""
    return len(cell.missing(split)) if cell.runs else len(cell.seeds)


def _losses(cells: Sequence[Condition], split: SplitName) -> str:
    """Runs that diverged and runs that are missing, and how they count."""
    sentences = ""
    for counts, what, how in (
        ([list(cell.results(split).values()).count(None) for cell in cells], "Diverged",
         "such a run counts as lying below all others"),
        ([_n_missing(cell, split) for cell in cells], "Missing, because stopped, failed or deleted",
         "nothing is claimed without them"),
    ):  # fmt: skip
        parts = [f"{n} run{'s' * (n > 1)} of {cell.label}" for n, cell in zip(counts, cells, strict=True) if n]
        sentences += f" {what}: {' and '.join(parts)}; {how}." if parts else ""
    return sentences


def _wide(cells: Sequence[Condition], split: SplitName, redrawn: Mapping[str, Numbers]) -> tuple[float, float] | None:
    """95 % interval of a contrast with other seeds and other images. redrawn: as ``on_redrawn_images`` has them"""
    finished = [cell.finished(split) for cell in cells]
    seeds = sorted(set(finished[0]).intersection(*finished[1:]))
    if not redrawn or len(seeds) < 2:
        return None
    signs, name = np.array(SIGNS), f"{split}_acc"
    by_images = np.array([[redrawn[own[seed].run_id] for own in finished] for seed in seeds])  # (seeds, 4, resamples)
    by_seed = np.array([[own[seed].summary[name] for own in finished] for seed in seeds]) @ signs
    return wide_interval(np.tensordot(signs, by_images.mean(axis=0), axes=1), by_seed.tolist())


def _over_all(blocks: Sequence[Block], members: Sequence[Condition], split: SplitName) -> tuple[Outcome, str]:
    """One outcome over several blocks, and a sentence."""
    n, settings = len(blocks), blocks[0].names.settings
    n_claimed = sum(block.outcome == "interact" for block in blocks)
    if n_claimed:
        return "interact", (
            f"{settings}: their effects do not add up, in {n_claimed} of {n} blocks of neighbouring values."
        )
    n_seeds, needed = min(len(member.results(split)) for member in members), fewest_seeds(n)
    if all(block.outcome == "add up" for block in blocks):
        return "add up", (
            f"{settings}: their effects add up in all {n} blocks of neighbouring values, as far as {n_seeds} seeds can tell."
        )
    n_unknown = sum(block.outcome == "unknown" for block in blocks)
    where = "any" if n_unknown == n else f"{n_unknown}"
    few = (
        f" At least {needed} seeds are needed to tell: {n} blocks are {n} chances for luck." if n_seeds < needed else ""
    )
    return "unknown", (
        f"{settings}: whether their effects add up can not be told in {where} of the {n} blocks of neighbouring values"
        f"{'' if n_unknown == n else ', and in the others nothing speaks against it'}.{few}"
    )
