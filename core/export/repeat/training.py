"""How the network of a run learns, in its script: starting weights, optimizer, the loop, and what comes out of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from core.config import RunConfig, TrainingConfig
from core.data.augment import varies
from core.engine import optimizers
from core.engine.batches import UNTRAINED_SAMPLE_IMAGES, batch_borders
from core.engine.evaluate import EVALUATION_BATCH, TTA_SHIFTS
from core.engine.seeds import derive, generator
from core.export.repeat.text import Part, Settings, source

# Settings that the loop needs as a number, and when.
NUMBERS: Mapping[str, Any] = MappingProxyType(
    {
        "seed": lambda plan: True, "epochs": lambda plan: True, "max_steps": lambda plan: plan.max_steps,
        "batch_size": lambda plan: True,
        "lr": lambda plan: True,
        "momentum": lambda plan: plan.optimizer not in ("sgd", "rmsprop"),
        "weight_decay": lambda plan: plan.weight_decay, "l1": lambda plan: plan.l1,
        "label_smoothing": lambda plan: plan.label_smoothing, "clip_norm": lambda plan: plan.clip_norm,
        "patience": lambda plan: plan.patience,
        "min_delta": lambda plan: plan.min_delta and plan.monitor != "last",
    }
)  # fmt: skip

SEEDS_WORDS = (
    "Every purpose and every epoch has random numbers of its own, which follow from the seed. So the order of the images does "
    "not depend on the network, and everything can be repeated."
)
INIT = '''\
def draw_weights(network, generator):
    """Starting weights drawn anew: {what}. Biases begin at 0; {norms} stay."""
    with torch.no_grad():
        for part in network.modules():
            if not isinstance(part, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.RNNBase)){weight_norm}:
                continue
            for weight in part.parameters(recurse=False):
                if weight.ndim < 2:
                    weight.zero_()
                    continue
                # Of a recurrent layer, each gate's matrix is drawn for itself.
                n_gates = len(weight) // part.hidden_size if isinstance(part, nn.RNNBase) else 1
                for matrix in weight.chunk(n_gates):
                    matrix.copy_(drawn(matrix.shape, generator))
'''
# A convolution with weight norm, and what computes its weight: the run leaves both as they are.
WEIGHT_NORM = ' or "parametriz" in type(part).__module__'
INIT_KERAS = '''\
def draw_weights(network, generator):
    """Starting weights drawn anew: {what}. Biases begin at 0; {norms} stay."""
    with torch.no_grad():
        for layer in network.layers.layers:
            if isinstance(layer, (keras.layers.Conv2D, keras.layers.Dense)):
                # Keras keeps (window, inputs, outputs) where torch has (outputs, inputs, window).
                *window, n_in, n_out = layer.kernel.shape
                weight = drawn((n_out, n_in, *window), generator)
                layer.kernel.value.copy_(weight.permute(*range(2, weight.ndim), 1, 0))
                layer.bias.value.zero_()
'''
INIT_ZEROS = """\
with torch.no_grad():
    for part in network.modules():
        if isinstance(part, (nn.LayerNorm, nn.BatchNorm1d, nn.BatchNorm2d)){weight_norm}:
            continue  # the norms stay
        for weight in part.parameters(recurse=False):
            weight.zero_()
"""
INIT_ZEROS_KERAS = """\
with torch.no_grad():
    for layer in network.layers.layers:
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.Dense)):
            layer.kernel.value.zero_()
            layer.bias.value.zero_()
"""
DRAWN = '''\
def drawn(shape, generator):
    """Numbers for a weight (outputs, inputs, window)."""
    return {call}
'''
KAIMING = 'nn.init.kaiming_normal_(torch.empty(shape), nonlinearity="relu", generator=generator)'
INITS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "he": ("He, Zhang, Ren and Sun 2015", KAIMING),
        "glorot": ("Glorot and Bengio 2010", "nn.init.xavier_uniform_(torch.empty(shape), generator=generator)"),
        "orthogonal": ("orthogonal (Saxe, McClelland and Ganguli 2014)",
                       "nn.init.orthogonal_(torch.empty(shape), generator=generator)"),
        "small": ("a hundredth of He", f"{KAIMING}.mul_(0.01)"),
        "large": ("ten times He", f"{KAIMING}.mul_(10.0)"),
    }
)  # fmt: skip
MUON = '''\
class Muon(torch.optim.AdamW):
    """Momentum whose matrix is made orthogonal before it is applied (Jordan et al. 2024); AdamW for vectors and for matrices
    with 10 rows or columns at most."""

    def __init__(self, weights, lr, momentum, weight_decay):
        super().__init__(weights, lr, betas={betas}, weight_decay=weight_decay, fused=True)
        self.momentum = momentum
        self.past = {{
            weight: torch.zeros_like(weight)
            for weight in weights
            if weight.ndim > 1 and min(weight.flatten(1).shape) > 10
        }}

    @torch.no_grad()
    def step(self):
        gradients = {{weight: weight.grad for weight in self.past}}
        for weight in self.past:
            weight.grad = None
        super().step()  # AdamW moves what still has a gradient
        lr, decay = self.param_groups[0]["lr"], self.param_groups[0]["weight_decay"]
        for weight, past in self.past.items():
            gradient = gradients[weight]
            past.mul_(self.momentum).add_(gradient)
            direction = orthogonal(gradient.add(past, alpha=self.momentum).flatten(1))
            weight.mul_(1 - lr * decay)
            weight.sub_(direction.view_as(weight), alpha=lr * 0.2 * math.sqrt(max(direction.shape)))
'''
SCHEDULES: Mapping[str, str] = MappingProxyType(
    {
        "step": "    return 1.0 if done < 0.5 else 0.1 if done < 0.75 else 0.01",
        "cosine": "    return 0.5 * (1 + math.cos(math.pi * done))",
        "one-cycle": "    if done < 0.25:\n        return 0.1 + 0.9 * done / 0.25\n"
        "    return 0.5 * (1 + math.cos(math.pi * (done - 0.25) / 0.75))",
        "warm-up": "    return min(1.0, 0.1 + 0.9 * done / 0.1)",
    }
)
SCHEDULE = '''\
def factor(done):
    """What the learning rate is multiplied with after this share of all steps."""
{formula}
'''
SCORE = '''\
def score(logits, labels):
    """Mean cross-entropy in nats per image, and the share that is read correctly."""
    loss = (logits.logsumexp(1) - logits.gather(1, labels.unsqueeze(1)).squeeze(1)).mean()
    return loss.item(), (logits.argmax(1) == labels).sum().item() / len(labels)


def predict(images):
    """Logits (N, 10) of images (N, 28, 28), from the network as it stands."""
    network.eval()
    with torch.inference_mode(){autocast}:
        return torch.cat([network(normalised(batch)){number} for batch in images.split({batch})])
'''
EPOCH = '''\
def train_one_epoch(number):
    """One pass over the training images; loss and accuracy of the answers while it learns."""
    torch.manual_seed(derive(SEED, "epoch", number))  # dropout draws from torch's own generator
{variation}{order}    images, labels = train_images[order], train_labels[order]
    answers = []
    network.train()
    for {batches}:
{limit}{set_lr}{forward}{l1}        optimizer.zero_grad()
        loss.backward()
{clip}        optimizer.step()
        answers.append(logits.detach())
    answers = torch.cat(answers)
    return score(answers, labels{seen})
'''
SET_LR = """\
        for group in optimizer.param_groups:
            group["lr"] = LR * factor(min(1.0, step / total_steps))
"""
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


def numbers(plan: TrainingConfig) -> list[str]:
    """The settings that the script needs as numbers."""
    return [name for name, is_needed in NUMBERS.items() if is_needed(plan)]


def training_parts(config: RunConfig, course: Course, settings: Settings, about: Any) -> list[Part]:
    """From the starting weights to the test. about: the images, as ``core.export.repeat.data`` describes them"""
    return [
        Part("Random numbers", SEEDS_WORDS, "\n".join([source(derive), "", "", source(generator)])),
        _weights(config, settings, about),
        _optimizer(config, settings),
        _loop(config, course, settings, about),
        _stored(config, course, settings, about),
    ]


def _weights(config: RunConfig, settings: Settings, about: Any) -> Part:
    """The network with the weights that it begins with."""
    init, is_keras = config.training.init, config.architecture.startswith("keras")
    norm_too = WEIGHT_NORM if config.architecture == "tcn" else ""
    code = ['torch.manual_seed(derive(SEED, "weights"))', "network = Network()"]
    if init == "zeros":
        code += [settings.choice("init"), INIT_ZEROS_KERAS if is_keras else INIT_ZEROS.format(weight_norm=norm_too)]
    elif init != "default":
        what, call = INITS[init]
        norms = "the norms" + (", and convolutions with weight norm," if config.architecture == "tcn" else "")
        draw = (INIT_KERAS if is_keras else INIT).format(what=what, norms=norms, weight_norm=norm_too)
        functions = f"{settings.choice('init')}\n{DRAWN.format(call=call)}\n\n{draw}\n"
        code = [functions, *code, 'draw_weights(network, generator(SEED, "init"))']
    if about.device != "cpu":
        code.append("network.to(DEVICE)")
    if about.channels_last:
        code.append("network.to(memory_format=torch.channels_last)  # the order in which convolutions are fast")
    code.append("weights = [weight for weight in network.parameters() if weight.requires_grad]")
    code.append('print(f"{sum(weight.numel() for weight in weights):,} weights")')
    return Part("Starting weights", "The network, with the weights that the seed gives it.", "\n".join(code))


def _optimizer(config: RunConfig, settings: Settings) -> Part:
    plan = config.training
    code = [settings.choice("optimizer")]
    decay = ", weight_decay=WEIGHT_DECAY" if plan.weight_decay else ""
    match plan.optimizer:
        case "adam":
            line = f"torch.optim.Adam(weights, LR, betas=(MOMENTUM, 0.999){decay}, fused=True)"
        case "adamw":
            line = f"torch.optim.AdamW(weights, LR, betas=(MOMENTUM, 0.999), weight_decay={_decay(plan)}, fused=True)"
        case "muon":
            orthogonal = source(optimizers._orthogonal, {"def _orthogonal": "def orthogonal"})
            code += ["", "", orthogonal, "", "", MUON.format(betas=optimizers.Muon.BETAS), ""]
            line = f"Muon(weights, LR, MOMENTUM, weight_decay={_decay(plan)})"
        case "rmsprop":
            line = f"torch.optim.RMSprop(weights, LR{decay}, foreach=True)"
        case "sgd":
            line = f"torch.optim.SGD(weights, LR{decay}, fused=True)"
        case "momentum" | "nesterov" as rule:
            nesterov = ", nesterov=True" if rule == "nesterov" and plan.momentum else ""
            line = f"torch.optim.SGD(weights, LR, momentum=MOMENTUM{decay}{nesterov}, fused=True)"
    code.append(f"optimizer = {line}")
    if plan.schedule != "constant":
        code += ["", settings.choice("schedule"), SCHEDULE.format(formula=SCHEDULES[plan.schedule])]
    return Part("How the weights move", "The optimizer, which turns slopes into steps.", "\n".join(code))


def _decay(plan: TrainingConfig) -> str:
    return "WEIGHT_DECAY" if plan.weight_decay else "0.0"


def _loop(config: RunConfig, course: Course, settings: Settings, about: Any) -> Part:
    plan, is_cut = config.training, bool(course.n_steps or config.training.max_steps)
    steps = ["n = len(train_images)", "borders = [*range(0, n, BATCH_SIZE), n]  # of the batches"]
    if batch_borders(about.n_train, plan.batch_size) != [*range(0, about.n_train, plan.batch_size), about.n_train]:
        steps.append("del borders[-2]  # a last batch of one image joins the one before it")
    steps += ["steps_per_epoch = len(borders) - 1", _total(plan)]
    if is_cut:
        steps.append(
            f"last_step = {course.n_steps}  # here it was stopped" if course.n_steps else "last_step = total_steps"
        )
    uses_bf16 = ', torch.autocast("{}", torch.bfloat16)'.format(about.device.split(":")[0])
    predict = SCORE.format(
        batch=EVALUATION_BATCH, autocast=uses_bf16 if course.answer_bits == "bf16" else "",
        number=".float()" if course.answer_bits == "bf16" else "",
    )  # fmt: skip
    matrices = "matrices = [weight for weight in weights if weight.ndim > 1]  # not biases and scales\n\n\n"
    code = [
        "\n".join(steps),
        "",
        "",
        predict,
        "",
        (matrices if plan.l1 else "") + _epoch(config, course, settings, about),
    ]
    words = "Batch after batch: answer, measure the error, find the slopes, move the weights."
    return Part("Learning", words, "\n".join(code))


def _total(plan: TrainingConfig) -> str:
    return (
        f"total_steps = {'min(EPOCHS * steps_per_epoch, MAX_STEPS)' if plan.max_steps else 'EPOCHS * steps_per_epoch'}"
    )


def _epoch(config: RunConfig, course: Course, settings: Settings, about: Any) -> str:
    plan, is_cut = config.training, bool(course.n_steps or config.training.max_steps)
    is_varied = varies(config.data)
    batch = "images[start:end], labels[start:end], variation" if is_varied else "images[start:end]"
    answer = f"network({'varied' if is_varied else 'normalised'}({batch}))"
    if course.bits == "bf16":
        device = about.device.split(":")[0]
        forward = f'        with torch.autocast("{device}", torch.bfloat16):\n            logits = {answer}.float()\n'
    else:
        forward = f"        logits = {answer}\n"
    smoothing = ", label_smoothing=LABEL_SMOOTHING" if plan.label_smoothing else ""
    forward += f"        loss = F.cross_entropy(logits, labels[start:end]{smoothing})\n"
    order = (
        '    order = torch.randperm(n, generator=generator(SEED, "order", number))\n' if plan.shuffle
        else f"{settings.choice('shuffle', '    ')}\n    order = torch.arange(n)\n"
    )  # fmt: skip
    if about.device != "cpu":
        order = order.rstrip("\n") + ".to(DEVICE)\n"
    plainly, counted = (
        "start, end in pairwise(borders)",
        "step, (start, end) in enumerate(pairwise(borders), number * steps_per_epoch)",
    )
    return EPOCH.format(
        order=order, batches=counted if is_cut or plan.schedule != "constant" else plainly, forward=forward, seen="[: len(answers)]" if is_cut else "",
        variation='    variation = generator(SEED, "variation", number)\n' if is_varied else "",
        limit="        if step == last_step:\n            break\n" if is_cut else "",
        set_lr=SET_LR if plan.schedule != "constant" else "",
        l1="        loss = loss + L1 * torch.stack([weight.abs().sum() for weight in matrices]).sum()\n" if plan.l1 else "",
        clip="        nn.utils.clip_grad_norm_(weights, CLIP_NORM)\n" if plan.clip_norm else "",
    )  # fmt: skip


def _stored(config: RunConfig, course: Course, settings: Settings, about: Any) -> Part:
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
            lines += [
                "    else:", "        epochs_since_best += 1", "        if epochs_since_best == PATIENCE:",
                '            print(f"Stopped early: {PATIENCE} epochs without a better one.")', "            break",
            ]  # fmt: skip
    else:
        lines.append(f"    {keep}")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "math.nan" if value is None or not math.isfinite(value) else repr(float(value))
