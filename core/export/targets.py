"""What a run can be taken along as: one record a form, for the command line and for the pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType

from core.errors import InputError
from core.export.source import Exported, GroupSource, Source


@dataclass(frozen=True)
class Target:
    """A form: title and help for people · needs_test_csv: whether it reads Kaggle's file
    packages: what has to be installed for it beside what everything needs · takes_long: whether it takes more than some seconds

    room: the module of ``core.export`` whose ``make(source)`` makes it; that raises InputError when the run can not be taken
    along in this form, with the reason. It is loaded when it is first needed.
    """

    name: str
    title: str
    help: str
    room: str
    needs_test_csv: bool = False
    packages: tuple[str, ...] = ()
    takes_long: bool = False

    @property
    def why_not_here(self) -> str:
        """How to get the packages that are missing for it, a sentence; "" when none is."""
        if all(find_spec(package) for package in self.packages):
            return ""
        first, last = ", ".join(self.packages[:-1]), self.packages[-1]
        return (
            f"{self.title} needs the packages {first} and {last}, which are not installed here: "
            f"“pip install {' '.join(self.packages)}” gets them."
        )


TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        target.name: target
        for target in (
            Target(
                "submission", "Kaggle submission",
                "The digits that it reads in the 28,000 images of Kaggle’s test.csv, as the Digit Recognizer competition wants "
                "them.", "submission", needs_test_csv=True,
            ),
            Target(
                "script", "Python script",
                "One readable file that trains the same network again without Digit Lab, and prints the stored figures beside "
                "its own. It needs PyTorch and NumPy, and Keras for a network in Keras.", "script",
            ),
            Target(
                "notebook", "Notebook",
                "The script that repeats the training, in cells with a sentence each, for Jupyter, Colab or Kaggle.",
                "notebook",
            ),
            Target(
                "csv", "Tables (CSV and Parquet)",
                "Its figures after every epoch, its results, and its answer to every test and validation image.", "tables",
            ),
            Target(
                "bundle", "Bundle for another Digit Lab",
                "All that is kept of it, in one ZIP file with checksums. Another Digit Lab imports it at the end of its Train "
                "page, or with “python -m core import”.", "bundle",
            ),
            Target(
                "hub", "Folder for the Hugging Face Hub",
                "A model card with its results, its settings, and its weights as safetensors. You can upload the three files "
                "to a model repository of your own.", "hub",
            ),
            Target(
                "onnx", "ONNX file",
                "The network in one file that many programs answer with, also without Python. It takes ten seconds; beside "
                "other work, up to two minutes.",
                "onnx_file", packages=("onnx", "onnxscript", "onnxruntime"), takes_long=True,
            ),
            Target(
                "figure", "Figure (SVG and PNG)",
                "Its curves for a report, with a caption that says of how many images, which split and which seed.", "figure",
            ),
            Target(
                "tensorboard", "TensorBoard events",
                "Its curves by step and by epoch, and its settings, in a file that TensorBoard opens.", "tensorboard",
            ),
        )
    }
)  # fmt: skip

GROUP_TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        target.name: target
        for target in (
            Target(
                "csv", "Tables (CSV and Parquet)",
                "All its runs with settings and figures, every contestant, and the verdict about every two of them.",
                "group_tables",
            ),
            Target(
                "figure", "Figure (SVG and PNG)",
                "What it shows for a report, with a caption that says of how many images, which split and how many seeds.",
                "group_figure",
            ),
            Target(
                "bundle", "Bundle for another Digit Lab",
                "Its plan and all its runs, in one ZIP file with checksums. Another Digit Lab imports it as it does a run.",
                "group_bundle",
            ),
        )
    }
)  # fmt: skip


def export(name: str, source: Source) -> Exported:
    """Raises InputError for a form that there is not, and for what the run or this computer lacks."""
    if name not in TARGETS:
        raise InputError(f"There is no form {name!r}; there are {', '.join(TARGETS)}.")
    if not source.run.has_ended:
        raise InputError(f"{source.run.name} has not ended yet; it can be taken along when it has.")
    if reason := TARGETS[name].why_not_here:
        raise InputError(reason)
    make: Callable[[Source], Exported] = import_module(f"core.export.{TARGETS[name].room}").make
    return make(source)


def export_group(name: str, source: GroupSource) -> Exported:
    """The same of a comparison. Raises InputError, also when one of its runs has not ended."""
    if name not in GROUP_TARGETS:
        raise InputError(f"A comparison has no form {name!r}; there are {', '.join(GROUP_TARGETS)}.")
    if not all(run.has_ended for run in source.runs):
        raise InputError(f"{source.group.name} has not ended yet; it can be taken along when all its runs have.")
    make: Callable[[GroupSource], Exported] = import_module(f"core.export.{GROUP_TARGETS[name].room}").make
    return make(source)
