"""How the network of a script learns: answers, their score, and one pass over the training images."""

from __future__ import annotations

from core.config import RunConfig, TrainingConfig
from core.data.augment import varies
from core.engine.batches import batch_borders
from core.engine.evaluate import EVALUATION_BATCH
from core.export.repeat.data import Images
from core.export.repeat.result import Course
from core.export.repeat.text import Part, Settings

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


def training_part(config: RunConfig, course: Course, settings: Settings, about: Images) -> Part:
    plan, is_cut = config.training, bool(course.n_steps or config.training.max_steps)
    steps = ["n = len(train_images)", "borders = [*range(0, n, BATCH_SIZE), n]  # of the batches"]
    if batch_borders(about.n_train, plan.batch_size) != [*range(0, about.n_train, plan.batch_size), about.n_train]:
        steps.append("del borders[-2]  # a last batch of one image joins the one before it")
    steps += ["steps_per_epoch = len(borders) - 1", _total(plan)]
    if is_cut:
        steps.append(
            f"last_step = {course.n_steps}  # here it was stopped" if course.n_steps else "last_step = total_steps"
        )
    uses_bf16 = f", torch.autocast({_where(about)}, torch.bfloat16)"
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


def _where(about: Images) -> str:
    return '"cpu"' if about.device == "cpu" else "DEVICE"


def _total(plan: TrainingConfig) -> str:
    return (
        f"total_steps = {'min(EPOCHS * steps_per_epoch, MAX_STEPS)' if plan.max_steps else 'EPOCHS * steps_per_epoch'}"
    )


def _epoch(config: RunConfig, course: Course, settings: Settings, about: Images) -> str:
    plan, is_cut = config.training, bool(course.n_steps or config.training.max_steps)
    is_varied = varies(config.data)
    batch = "images[start:end], labels[start:end], variation" if is_varied else "images[start:end]"
    answer = f"network({'varied' if is_varied else 'normalised'}({batch}))"
    if course.bits == "bf16":
        forward = (
            f"        with torch.autocast({_where(about)}, torch.bfloat16):\n            logits = {answer}.float()\n"
        )
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
    counted = "step, (start, end) in enumerate(pairwise(borders), number * steps_per_epoch)"
    counts = is_cut or plan.schedule != "constant"
    return EPOCH.format(
        order=order, batches=counted if counts else "start, end in pairwise(borders)", forward=forward,
        seen="[: len(answers)]" if is_cut else "",
        variation='    variation = generator(SEED, "variation", number)\n' if is_varied else "",
        limit="        if step == last_step:\n            break\n" if is_cut else "",
        set_lr=SET_LR if plan.schedule != "constant" else "",
        l1="        loss = loss + L1 * torch.stack([weight.abs().sum() for weight in matrices]).sum()\n" if plan.l1 else "",
        clip="        nn.utils.clip_grad_norm_(weights, CLIP_NORM)\n" if plan.clip_norm else "",
    )  # fmt: skip
