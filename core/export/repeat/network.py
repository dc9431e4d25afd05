"""The network of a run as a textbook would write it: one class of torch, with its numbers in place.

Rows of layers are read from the network that the registry builds, so they are what the run had; only ``forward`` and the blocks
of the deeper ones are written here. Layers come in the order in which the registry's network makes them, for that decides
which random numbers each one gets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from core import models
from core.config import RunConfig
from core.errors import InputError
from core.export.repeat import tokens
from core.export.repeat.keras_network import keras_network
from core.export.repeat.layers import fields, network_class
from core.models.counting import on_meta

SHUFFLE = "x = x.flatten(1)[:, PIXEL_ORDER].view(-1, 1, 28, 28)  # every image's pixels in the shuffled order"


def network(config: RunConfig) -> str:
    """``class Network(nn.Module)``, and before it the blocks that it is made of. Raises InputError for an architecture that can
    not be written out."""
    write = WRITERS.get(config.architecture)
    if write is None:
        raise InputError(f"{models.title(config.architecture)} can not be written out as a script yet.")
    built = on_meta(models.get(config.architecture).build, config.model)
    first = [SHUFFLE] if config.data.pixel_order == "shuffled" else []
    return write(built, config.model, first)


def _softmax(built: Any, _: Any, first: list[str]) -> str:
    forward = [*first, "return self.head(x.flatten(1))  # (N, 784) -> (N, 10)"]
    return network_class("Ten weighted sums of 784 pixels, one for each digit.", fields(built, "head"), forward)


def _mlp(built: Any, config: Any, first: list[str]) -> str:
    sizes = "-".join(map(str, (784, *config.widths, 10)))
    forward = [
        *first, "x = x.flatten(1)  # (N, 784)", f"x = self.hidden(x)  # (N, {built.head.in_features})",
        "return self.head(x)  # (N, 10)",
    ]  # fmt: skip
    return network_class(
        f"{sizes}: every unit looks at everything before it.", fields(built, "hidden", "head"), forward
    )


def _cnn(built: Any, config: Any, first: list[str]) -> str:
    side, channels = 28 >> len(config.channels), config.channels[-1]
    forward = [
        *first, f"x = self.blocks(x)  # (N, {channels}, {side}, {side})", f"x = x.flatten(1)  # (N, {channels * side**2})",
        f"x = self.hidden(x)  # (N, {built.head.in_features})", "return self.head(x)  # (N, 10)",
    ]  # fmt: skip
    doc = "Detectors that slide over the image, block after block; then dense layers."
    return network_class(doc, fields(built, "blocks", "hidden", "head"), forward)


def _lenet(built: Any, _: Any, first: list[str]) -> str:
    forward = [
        *first, "x = self.first(x)  # (N, 6, 14, 14)", "x = self.second(x)  # (N, 16, 5, 5)", "x = x.flatten(1)  # (N, 400)",
        "x = self.hidden(x)  # (N, 84)", "return self.head(x)  # (N, 10)",
    ]  # fmt: skip
    doc = "LeNet-5 (LeCun, Bottou, Bengio and Haffner 1998) in its usual modern form."
    return network_class(doc, fields(built, "first", "second", "hidden", "head"), forward)


def _tinyvgg(built: Any, config: Any, first: list[str]) -> str:
    n = config.hidden_channels
    drop = ["x = self.dropout(x)"] if config.dropout else []
    forward = [
        *first, f"x = self.first(x)  # (N, {n}, 14, 14)", f"x = self.second(x)  # (N, {n}, 7, 7)",
        f"x = x.flatten(1)  # (N, {49 * n})", *drop, "return self.head(x)  # (N, 10)",
    ]  # fmt: skip
    doc = "Two blocks of two 3x3 convolutions: the network of the CNN Explainer (Wang et al. 2020)."
    return network_class(doc, fields(built, "first", "second", "dropout", "head"), forward)


def _compact(built: Any, config: Any, first: list[str]) -> str:
    n, (side, half), last = config.width, config.sides, 3 if config.head == "flatten" else 1
    drop = ["x = self.dropout(x)"] if config.dropout else []
    forward = [
        *first, f"x = self.stem(x)  # (N, {n}, {side}, {side})", f"x = self.first(x)  # (N, {2 * n}, {side}, {side})",
        f"x = self.pool(x)  # (N, {2 * n}, {half}, {half})", f"x = self.second(x)  # (N, {4 * n}, {half}, {half})",
        f"x = self.gather(x)  # (N, {4 * n}, {last}, {last})", f"x = x.flatten(1)  # (N, {4 * n * last**2})", *drop,
        "return self.head(x)  # (N, 10)",
    ]  # fmt: skip
    doc = "A first step of two pixels, then pairs of small windows, each with batch normalisation."
    return network_class(doc, fields(built, "stem", "first", "pool", "second", "gather", "dropout", "head"), forward)


RESNET_BLOCK = '''\
class Block(nn.Module):
    """Two convolutions{way}: (N, n_in, H, W) -> (N, n_out, H / stride, W / stride)."""

    def __init__(self, n_in, n_out, stride=1):
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(n_in, n_out, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(n_out, momentum={momentum}),
            nn.ReLU(),
        )
        self.second = nn.Sequential(
            nn.Conv2d(n_out, n_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(n_out, momentum={momentum}),
        )
'''
RESNET_SHORTCUT = """\
        self.stride, self.missing = stride, n_out - n_in

    def forward(self, x):
        change = self.second(self.first(x))
        if self.missing:  # every second place, and maps of zeros behind those that there are
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.missing))
        return F.relu(change + x)
"""
RESNET_PLAIN = """
    def forward(self, x):
        return F.relu(self.second(self.first(x)))
"""


def _resnet(built: Any, config: Any, first: list[str]) -> str:
    n, sides = config.width, (28, 14, 7) if config.stem_stride == 1 else (14, 7, 4)
    momentum = built.stem[1].momentum
    block = RESNET_BLOCK.format(way=", and the way past them" if config.shortcuts else "", momentum=momentum)
    block += RESNET_SHORTCUT if config.shortcuts else RESNET_PLAIN
    stages = []
    for name, n_in, n_out, stride in (("first", n, n, 1), ("second", n, 2 * n, 2), ("third", 2 * n, 4 * n, 2)):
        step = f", {stride}" if stride > 1 else ""
        more = "".join(f", Block({n_out}, {n_out})" for _ in range(config.blocks - 1))
        stages.append(f"self.{name} = nn.Sequential(Block({n_in}, {n_out}{step}){more})")
    layers = [*fields(built, "stem"), *stages, *fields(built, "gather", "head")]
    forward = [
        *first, f"x = self.stem(x)  # (N, {n}, {sides[0]}, {sides[0]})",
        *(f"x = self.{name}(x)  # (N, {n * 2**i}, {side}, {side})" for i, (name, side) in enumerate(
            zip(("first", "second", "third"), sides, strict=True))),
        f"x = self.gather(x).flatten(1)  # (N, {4 * n})", "return self.head(x)  # (N, 10)",
    ]  # fmt: skip
    n_layers = 6 * config.blocks + 2
    doc = f"A residual network of {n_layers} layers (He, Zhang, Ren and Sun 2016)."
    return f"{block}\n\n{network_class(doc, layers, forward)}"


def _recurrent(built: Any, config: Any, first: list[str]) -> str:
    memory, width = built.memory, config.hidden
    arguments = [f"{memory.input_size}, {width}"]
    arguments += [f"num_layers={config.layers}"] if config.layers > 1 else []
    arguments += ["batch_first=True"]
    arguments += [f"dropout={config.dropout}"] if config.layers > 1 and config.dropout else []
    arguments += ["bidirectional=True"] if config.bidirectional else []
    layers = [f"self.memory = nn.{type(memory).__name__}({', '.join(arguments)})", *fields(built, "dropout", "head")]
    lines = "columns" if config.direction == "columns" else "rows"
    forward, side, steps = [*first], 28, 28
    if config.reads != "lines":
        side = int(config.reads.removeprefix("pixels-"))
        steps = side**2
        if side < 28:
            forward.append(f"x = F.avg_pool2d(x, {28 // side})  # (N, 1, {side}, {side})")
    forward.append(f"x = x.flatten(1, 2)  # (N, {side}, {side}): rows")
    if lines == "columns":
        forward.append(f"x = x.transpose(1, 2)  # (N, {side}, {side}): columns")
    if config.reads != "lines":
        forward.append(f"x = x.flatten(1).unsqueeze(2)  # (N, {steps}, 1): one pixel a step")
    out = width * (1 + config.bidirectional)
    forward.append(f"x, _ = self.memory(x)  # (N, {steps}, {out})")
    if config.bidirectional:
        forward += [
            "# Who reads backwards has read everything at the first step.",
            f"x = torch.cat([x[:, -1, :{width}], x[:, 0, {width}:]], 1)  # (N, {out})",
        ]
    else:
        forward.append(f"x = x[:, -1].contiguous()  # (N, {out}): what it remembers after the last step")
    forward += ["x = self.dropout(x)"] if config.dropout else []
    forward.append("return self.head(x)  # (N, 10)")
    what = f"{lines} from {'the left' if lines == 'columns' else 'the top'}"
    doc = f"Reads the image step by step, by {what}, and remembers."
    return network_class(doc, layers, forward)


TCN_BLOCK = '''\
class CausalConv1d(nn.Conv1d):
    """Looks at this step and earlier ones only: (N, n_in, T) -> (N, n_out, T)."""

    def forward(self, x):
        before = (self.kernel_size[0] - 1) * self.dilation[0]  # steps of zeros
        return super().forward(F.pad(x, (before, 0)))


class Block(nn.Module):
    """Two causal convolutions, and the way past them: (N, n_in, T) -> (N, n_out, T)."""

    def __init__(self, n_in, n_out, dilation):
        super().__init__()
        self.first = weight_norm(CausalConv1d(n_in, n_out, {kernel}, dilation=dilation))
        self.second = weight_norm(CausalConv1d(n_out, n_out, {kernel}, dilation=dilation))
        self.shortcut = nn.Conv1d(n_in, n_out, 1) if n_in != n_out else nn.Identity()
{dropout}
    def forward(self, x):
        y = {first}
        y = {second}
        return F.relu(y + self.shortcut(x))
'''


def _tcn(_: Any, config: Any, first: list[str]) -> str:
    n, by_columns = config.width, config.direction == "columns"
    wrap = "self.dropout({})" if config.dropout else "{}"
    block = TCN_BLOCK.format(
        kernel=config.kernel, first=wrap.format("F.relu(self.first(x))"), second=wrap.format("F.relu(self.second(y))"),
        dropout=f"        self.dropout = nn.Dropout1d({config.dropout})  # whole channels\n" if config.dropout else "",
    )  # fmt: skip
    rows = [f"    Block({28 if i == 0 else n}, {n}, dilation={2**i})," for i in range(config.blocks)]
    layers = ["\n".join(["self.blocks = nn.Sequential(", *rows, ")"]), f"self.head = nn.Linear({n}, 10)"]
    flatten = "x = x.flatten(1, 2)  # (N, 28, 28): rows, columns"
    turn = "x = x.transpose(1, 2)  # (N, 28, T): the numbers of a row are channels"
    forward = [
        *first, flatten, *([] if by_columns else [turn]), f"x = self.blocks(x)  # (N, {n}, 28)",
        "return self.head(x[:, :, -1])  # the last step has seen the others: (N, 10)",
    ]  # fmt: skip
    doc = f"Reads the image {'column by column' if by_columns else 'row by row'}, with windows that never look ahead."
    return f"{block}\n\n{network_class(doc, layers, forward)}"


Writer = Callable[[Any, Any, list[str]], str]
WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "softmax": _softmax, "mlp": _mlp, "cnn": _cnn, "lenet": _lenet, "tinyvgg": _tinyvgg, "compact": _compact,
        "resnet": _resnet, "tcn": _tcn, "rnn": _recurrent, "gru": _recurrent, "lstm": _recurrent, "vit": tokens.vit,
        "mixer": tokens.mixer, "keras-dense": keras_network, "keras-cnn": keras_network,
    }
)  # fmt: skip
