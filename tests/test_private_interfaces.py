"""What is leaned on in other packages beyond what they promise: an upgrade that moves one of these is told in a sentence."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import streamlit
import torch

LEDGER = Path(__file__).parent.parent / "docs" / "private_interfaces.md"
STREAMLIT = Path(streamlit.__file__).parent


def takes(kernel: str, positional: int, named: set[str]) -> bool:
    """Whether a kernel of torch can be called with so many unnamed arguments and exactly these named ones."""
    arguments = getattr(torch.ops.aten, kernel).default._schema.arguments
    required = {argument.name for argument in arguments if argument.kwarg_only and not argument.has_default_value()}
    return (
        callable(getattr(torch, kernel))
        and required == named
        and positional == sum(not a.kwarg_only for a in arguments)
    )


def step_is_not_wrapped() -> bool:
    class Own(torch.optim.SGD):
        def step(self, closure: None = None) -> None:  # type: ignore[override]
            """Nothing."""

        step.hooked = True  # type: ignore[attr-defined]

    before = Own.step
    Own([torch.nn.Parameter(torch.zeros(1))])
    return Own.step is before


def dispatch_mode_sees_operations() -> bool:
    from torch.utils._python_dispatch import TorchDispatchMode

    seen: list[str] = []

    class Note(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append(func.overloadpacket.__name__)
            return func(*args, **(kwargs or {}))

    with Note():  # type: ignore[no-untyped-call]
        torch.zeros(2, device="meta") + 1
    return "add" in seen


def leaves_of_nested_values() -> bool:
    from torch.utils._pytree import tree_leaves

    return bool(tree_leaves(((1, [2]), {"x": 3})) == [1, 2, 3])


def views_share_a_storage() -> bool:
    image, other = torch.empty(4, device="meta"), torch.empty(4, device="meta")
    where = image.untyped_storage()._cdata
    return (
        isinstance(where, int) and where == image.view(2, 2).untyped_storage()._cdata != other.untyped_storage()._cdata
    )


def operations_name_their_arguments() -> bool:
    packet = torch.ops.aten.bernoulli_
    variants = [getattr(packet, name) for name in packet.overloads()]
    return any("generator" in {argument.name for argument in variant._schema.arguments} for variant in variants)


def work_is_counted_by_operation() -> bool:
    from torch.utils.flop_counter import flop_registry

    matrices = torch.empty(2, 3, device="meta"), torch.empty(3, 5, device="meta")
    count = flop_registry[torch.ops.aten.mm]
    return bool(count(*matrices, out_val=matrices[0] @ matrices[1]) == 2 * 2 * 3 * 5)


def torchvision_knows_the_files() -> bool:
    from torchvision.datasets import MNIST

    return all(url.startswith("http") for url in MNIST.mirrors) and {name for name, _ in MNIST.resources} == {
        f"{split}-{content}-ubyte.gz" for split in ("train", "t10k") for content in ("images-idx3", "labels-idx1")
    }


def host_rule_is_there() -> bool:
    from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

    return list(inspect.signature(is_host_allowed).parameters) == ["host"]


def every_piece_has_its_file() -> bool:
    from pages.learn.home import prefetch

    return [name.split(".")[0] for name in prefetch._files()] == list(prefetch.PIECES)


def page_loads_its_code_from_static_js() -> bool:
    return (
        re.search(r'<script[^>]* src="[^"]*static/js/', (STREAMLIT / "static" / "index.html").read_text("utf-8"))
        is not None
    )


def addresses_are_noted_with_push_state() -> bool:
    code = next((STREAMLIT / "static" / "static" / "js").glob("index.*.js")).read_text("utf-8")
    return code.count("window.history.pushState({}") == 2  # a new page, and new parameters of the same page


def streamlit_clears_keras_by_that_name() -> bool:
    from streamlit.runtime.scriptrunner import script_runner

    return ".backend.clear_session()" in inspect.getsource(script_runner)


def messages_have_the_names_the_bench_sends() -> bool:
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ClientState_pb2 import ClientState
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    return (
        "rerun_script" in BackMsg.DESCRIPTOR.fields_by_name
        and {"query_string", "page_name"} <= set(ClientState.DESCRIPTOR.fields_by_name)
        and "script_finished" in ForwardMsg.DESCRIPTOR.fields_by_name
    )


def keras_layers_know_their_signature() -> bool:
    from core.models.keras.adapter import keras

    return "training" in keras.layers.BatchNormalization(dtype="float32").call_signature_parameters


def plotly_carries_its_javascript() -> bool:
    import plotly

    return (Path(plotly.__file__).parent / "package_data" / "plotly.min.js").is_file()


def files_can_be_let_go_of() -> bool:
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
    from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext

    parameters = list(inspect.signature(MemoryUploadedFileManager.remove_file).parameters)
    return parameters == ["self", "session_id", "file_id"] and "uploaded_file_mgr" in ScriptRunContext.__annotations__


def ray_has_its_health_check() -> bool:
    if find_spec("ray") is None:  # an optional extra
        return True
    from ray.scripts.scripts import cli

    named = {option for parameter in cli.commands["health-check"].params for option in parameter.opts}
    return {"--address", "--skip-version-check"} <= named


def ray_resolves_addresses() -> bool:
    if find_spec("ray") is None:
        return True
    import ray

    return next(iter(inspect.signature(ray._private.services.canonicalize_bootstrap_address).parameters)) == "addr"


ADAM = {"lr", "beta1", "beta2", "weight_decay", "eps", "amsgrad", "maximize"}
SGD = {"weight_decay", "momentum", "lr", "dampening", "nesterov", "maximize", "is_first_step"}


def pad_has_its_tool_bar() -> bool:
    folder = Path(next(iter(find_spec("streamlit_drawable_canvas").submodule_search_locations)))
    return any(".dc-toolbar{" in path.read_text(encoding="utf-8") for path in folder.glob("frontend/build/index-*.css"))


# As the ledger names it -> whether it is still as it is used here.
INTERFACES: dict[str, Callable[[], bool]] = {
    "torch._fused_adam_": lambda: takes("_fused_adam_", 6, ADAM),
    "torch._fused_adamw_": lambda: takes("_fused_adamw_", 6, ADAM),
    "torch._fused_sgd_": lambda: takes("_fused_sgd_", 3, SGD),
    "torch._foreach_add_": lambda: callable(torch._foreach_add_),
    "Optimizer.step.hooked": step_is_not_wrapped,
    "torch._dynamo": lambda: find_spec("torch._dynamo") is not None,
    "torch.utils._python_dispatch.TorchDispatchMode": dispatch_mode_sees_operations,
    "torch.utils._pytree.tree_leaves": leaves_of_nested_values,
    "UntypedStorage._cdata": views_share_a_storage,
    "OpOverload._schema": operations_name_their_arguments,
    "torch.utils.flop_counter.flop_registry": work_is_counted_by_operation,
    "torchvision.datasets.MNIST.mirrors": torchvision_knows_the_files,
    "streamlit starlette_websocket.is_host_allowed": host_rule_is_there,
    "streamlit MemoryUploadedFileManager.remove_file": files_can_be_let_go_of,
    "streamlit static/js/<Piece>.<hash>.js": every_piece_has_its_file,
    'script[src*="static/js/"]': page_loads_its_code_from_static_js,
    "window.history.pushState": addresses_are_noted_with_push_state,
    ".dc-toolbar": pad_has_its_tool_bar,
    "keras.backend.clear_session": streamlit_clears_keras_by_that_name,
    "keras Layer.call_signature_parameters": keras_layers_know_their_signature,
    "streamlit.proto": messages_have_the_names_the_bench_sends,
    "plotly/package_data/plotly.min.js": plotly_carries_its_javascript,
    "ray health-check": ray_has_its_health_check,
    "ray._private.services.canonicalize_bootstrap_address": ray_resolves_addresses,
}


@pytest.mark.parametrize("name", INTERFACES)
def test_it_is_still_there(name: str) -> None:
    try:
        fault = "" if INTERFACES[name]() else "is no longer as it is used here"
    except (ImportError, AttributeError, KeyError, TypeError, RuntimeError, OSError) as error:
        fault = f"has moved ({error!r})"
    assert not fault, f"{name} {fault}; docs/private_interfaces.md says what to do."


def test_the_ledger_names_them_all() -> None:
    rows = re.findall(r"^\| `(.+?)` \|", LEDGER.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == list(INTERFACES)
