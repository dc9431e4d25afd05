"""The weights that the network of a script begins with."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from core.config import RunConfig
from core.export.repeat.data import Images
from core.export.repeat.text import Part, Settings

INIT = '''\
def draw_weights(network, generator):
    """Starting weights drawn anew: {what}. Biases begin at 0; the norms stay."""
    with torch.no_grad():
        for part in network.modules():
            if not isinstance(part, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.RNNBase)):
                continue
{weight_norm}            for weight in part.parameters(recurse=False):
                if weight.ndim < 2:
                    weight.zero_()
                    continue
                # Of a recurrent layer, each gate's matrix is drawn for itself.
                n_gates = len(weight) // part.hidden_size if isinstance(part, nn.RNNBase) else 1
                for matrix in weight.chunk(n_gates):
                    matrix.copy_(drawn(matrix.shape, generator))
'''
# A convolution with weight norm keeps the length of each filter beside its direction, and 0 has no direction.
WEIGHT_NORM = """\
            if hasattr(part, "parametrizations"):  # with weight norm
                part.weight = drawn(part.weight.shape, generator)
"""
WEIGHT_NORM_ZEROS = """\
        if hasattr(part, "parametrizations"):  # with weight norm: 0 has no direction, but the length can be 0
            part.parametrizations.weight.original0.zero_()
        if type(part).__module__.startswith("torch.nn.utils.parametri") and not hasattr(part, "parametrizations"):
            continue
"""
INIT_KERAS = '''\
def draw_weights(network, generator):
    """Starting weights drawn anew: {what}. Biases begin at 0; the norms stay."""
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
        if isinstance(part, (nn.LayerNorm, nn.BatchNorm1d, nn.BatchNorm2d)):
            continue  # the norms stay
{weight_norm}        for weight in part.parameters(recurse=False):
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


def starting_part(config: RunConfig, settings: Settings, about: Images) -> Part:
    """The network with the weights that it begins with."""
    init, is_keras = config.training.init, config.architecture.startswith("keras")
    has_weight_norm = config.architecture == "tcn"
    code = ['torch.manual_seed(derive(SEED, "weights"))', "network = Network()"]
    if init == "zeros":
        code += [
            settings.choice("init"),
            INIT_ZEROS_KERAS
            if is_keras
            else INIT_ZEROS.format(weight_norm=WEIGHT_NORM_ZEROS if has_weight_norm else ""),
        ]
    elif init != "default":
        what, call = INITS[init]
        draw = (INIT_KERAS if is_keras else INIT).format(what=what, weight_norm=WEIGHT_NORM if has_weight_norm else "")
        functions = f"{settings.choice('init')}\n{DRAWN.format(call=call)}\n\n{draw}\n"
        code = [functions, *code, 'draw_weights(network, generator(SEED, "init"))']
    if about.device != "cpu":
        code.append("network.to(DEVICE)")
    if about.channels_last:
        code.append("network.to(memory_format=torch.channels_last)  # the order in which convolutions are fast")
    code.append("weights = [weight for weight in network.parameters() if weight.requires_grad]")
    code.append('print(f"{sum(weight.numel() for weight in weights):,} weights")')
    return Part("Starting weights", "The network, with the weights that the seed gives it.", "\n".join(code))
