"""The epochs of a script, each beside what the run has stored, and the test at the end."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from core.config import RunConfig
from core.engine.batches import UNTRAINED_SAMPLE_IMAGES
from core.engine.evaluate import TTA_SHIFTS
from core.export.repeat.data import Images
from core.export.repeat.text import Part, Settings

REPORT = '''\
differences = []  # of each loss, from the stored one


def report(epoch, train_loss, val_loss, val_acc):
    """A line of the table: what came out here and, in brackets, what the run has stored."""
    train, val, accuracy = STORED.get(epoch, (math.nan, math.nan, math.nan))
    differences.extend([abs(train_loss - train), abs(val_loss - val)])
    print(
        f"{epoch:5g}   {train_loss:.6f} ({train:.6f})   {val_loss:.6f} ({val:.6f})"
        f"   {val_acc:.2%} ({accuracy:.2%})"
    )
'''
REPORT_TRAIN = '''\
differences = []  # of each loss, from the stored one


def report(epoch, train_loss, train_acc):
    """A line of the table: what came out here and, in brackets, what the run has stored."""
    train, accuracy = STORED.get(epoch, (math.nan, math.nan))
    differences.append(abs(train_loss - train))
    print(f"{epoch:5g}   {train_loss:.6f} ({train:.6f})   {train_acc:.2%} ({accuracy:.2%})")
'''
VIEWS = '''\
SHIFTS = {shifts}  # down and to the right, in pixels


def moved(images, down, right):
    """Images (N, 28, 28) moved by at most one pixel; background flows in."""
    return F.pad(images, (1, 1, 1, 1))[:, 1 - down : 29 - down, 1 - right : 29 - right]


def predict_with_views(images):
    """As ``predict``, from several views of each image: the mean of their probabilities, as a logarithm."""
    views = torch.stack([predict(moved(images, down, right)) for down, right in SHIFTS])
    return views.softmax(2).mean(0).log()
'''
END = """\
network.load_state_dict(best_weights)
test_loss, test_acc = score({predict}(test_images), test_labels)
print(f"Weights after epoch {{best_epoch:g}}, on {{len(test_labels):,}} test images:")
print(f"accuracy {{test_acc:.2%}} ({stored_acc}), loss {{test_loss:.4f}} ({stored_loss})")
print(f"Largest difference of a loss from the stored one: {{max(differences):.2g}}")
"""


@dataclass(frozen=True, slots=True)
class Course:
    """What a run has done, as its store says.

    rows: epoch -> train loss and accuracy, validation loss and accuracy; None where there is no number
    n_steps: updates after which it ended where that is not the end of its plan, else 0 · diverged: whether its loss became no
    number · test_loss, test_acc: None where it was never tested
    bits: "bf16" where it learned with 16-bit numbers · answer_bits: and answered with them
    """

    rows: Mapping[float, Mapping[str, float | None]]
    n_steps: int
    diverged: bool
    test_loss: float | None
    test_acc: float | None
    bits: str
    answer_bits: str


def result_part(config: RunConfig, course: Course, settings: Settings, about: Images) -> Part:
    """The loop over the epochs, beside what the run has stored, and the test."""
    plan, has_val = config.training, bool(about.n_val)
    judged = has_val and plan.monitor != "last"
    figures = ("train_loss", "val_loss", "val_acc") if has_val else ("train_loss", "train_acc")
    columns = "training loss, validation loss, validation accuracy" if has_val else "training loss, training accuracy"
    code = [f"STORED = {{  # after each epoch: {columns}"]
    for epoch, row in sorted(course.rows.items()):
        number = int(epoch) if epoch == int(epoch) else epoch
        code.append(f"    {number!r}: ({', '.join(_number(row[name]) for name in figures)}),")
    code += ["}", REPORT if has_val else REPORT_TRAIN, ""]
    if plan.tta_views > 1:
        code += [settings.choice("tta_views"), VIEWS.format(shifts=TTA_SHIFTS[: plan.tta_views]), ""]
    code.append(settings.choice("monitor"))
    code.append(_epochs(config, course, has_val, judged))
    if course.test_loss is not None and course.test_acc is not None and not course.diverged:
        stored = {"stored_acc": f"{course.test_acc:.2%}", "stored_loss": f"{course.test_loss:.4f}"}
        code += ["", END.format(predict="predict_with_views" if plan.tta_views > 1 else "predict", **stored)]
    else:
        code += ["", 'print(f"Largest difference of a loss from the stored one: {max(differences):.2g}")']
    words = "Train, and compare with the stored figures after every epoch; at the very end, open the test images once."
    return Part("The run again", words, "\n".join(code))


def _epochs(config: RunConfig, course: Course, has_val: bool, judged: bool) -> str:
    plan, is_cut = config.training, bool(course.n_steps or config.training.max_steps)
    sample = UNTRAINED_SAMPLE_IMAGES
    head = "epoch   training loss (stored)   validation loss (stored)   validation accuracy (stored)"
    head = head if has_val else "epoch   training loss (stored)   training accuracy (stored)"
    lines = [f'print("{head}")']
    value, start = ("-val_acc", "math.inf") if plan.monitor == "val_acc" else ("val_loss", "math.inf")
    lines += ["best_epoch, best_weights = 0, copy.deepcopy(network.state_dict())"]
    lines += [f"best_value, epochs_since_best = {start}, 0"] if judged and plan.patience else []
    lines += [f"best_value = {start}"] if judged and not plan.patience else []
    last = "math.ceil(last_step / steps_per_epoch)" if is_cut else "EPOCHS"
    lines += [
        f"for epoch in range({last} + 1):  # epoch 0: the network before it has learned anything",
        "    if epoch == 0:",
        f"        train_loss, train_acc = score(predict(train_images[:{sample}]), train_labels[:{sample}])",
        "    else:",
        "        train_loss, train_acc = train_one_epoch(epoch - 1)",
    ]
    if is_cut:
        lines += [
            "    n_epochs, n_batches = divmod(last_step, steps_per_epoch)",
            "    epoch = min(epoch, n_epochs + borders[n_batches] / n)  # within an epoch, if it ended there",
        ]
    if has_val:
        lines.append("    val_loss, val_acc = score(predict(val_images), val_labels)")
    lines += [
        f"    if not math.isfinite(train_loss{' + val_loss' if has_val else ''}):",
        '        print("The loss is no number any more: the training has diverged.")',
        "        break",
        f"    report(epoch, train_loss, {'val_loss, val_acc' if has_val else 'train_acc'})",
    ]
    keep = "best_epoch, best_weights = epoch, copy.deepcopy(network.state_dict())"
    if judged:
        delta = " - MIN_DELTA" if plan.min_delta else ""
        patience = ", epochs_since_best" if plan.patience else ""
        lines += [
            f"    if {value} < best_value{delta}:",
            f"        best_value{patience} = {value}{', 0' if plan.patience else ''}",
            f"        {keep}",
        ]
        if plan.patience:
            epochs = "1 epoch" if plan.patience == 1 else f"{plan.patience} epochs"
            lines += [
                "    else:", "        epochs_since_best += 1", "        if epochs_since_best == PATIENCE:",
                f'            print("Stopped early: {epochs} without a better one.")', "            break",
            ]  # fmt: skip
    else:
        lines.append(f"    {keep}")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "math.nan" if value is None or not math.isfinite(value) else repr(float(value))
