"""Which runs can be measured together: those whose test images are the same, and are here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from core.data import DATASETS, present_names
from core.data.dataset import Dataset
from core.errors import InputError
from core.runs.manifest import own_images
from core.runs.robustness import measured_before
from core.runs.rows import Run
from core.runs.schema import StorageError
from pages.shared.legend_labels import legend_labels
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.missing_images import explain_missing_images, shipped_runs_with_images
from pages.shared.robustness_link import MAX_RUNS, see_robustness
from pages.shared.services import dataset, store


class Judged(NamedTuple):
    """runs, names: as many, no two names alike · digits: whose test images all of them are asked about"""

    runs: Sequence[Run]
    names: Sequence[str]
    digits: Dataset


def judged(runs: Sequence[Run]) -> Judged | None:
    """The runs on the images of the first whose images are here; says of every other why it is left out, None without any."""
    names = dict(zip((run.run_id for run in runs), legend_labels(runs), strict=True))
    families: list[tuple[Dataset, list[Run]]] = []
    absent: list[Run] = []
    for run in runs:
        name = run.config["data"]["dataset"]
        if name not in present_names():
            absent.append(run)
            continue
        try:
            digits = own_images(run.manifest, dataset(name))
            measured_before(store(), [run], [], 0)
        except StorageError:  # busy is not gone
            raise
        except InputError as error:  # also where its weights or its settings can not be read
            st.error(
                f"{escape_markdown(names[run.run_id])} can not be measured. {sentence(error)}", icon=":material/error:"
            )
            continue
        family = next((members for _, members in families if members[0].images == run.images), None)
        if family is None:
            families.append((digits, [run]))
        else:
            family.append(run)
    explain_absent(absent, names)
    if not families:
        return None
    (digits, members), *others = families
    for _, left_out in others:
        title = DATASETS[left_out[0].config["data"]["dataset"]].phrase
        st.info(
            f"{_listed(left_out, names)} {'reads' if len(left_out) == 1 else 'read'} other test images ({title}), so "
            f"{'it is' if len(left_out) == 1 else 'they are'} left out: all on one chart are asked about the same ones.",
            icon=":material/call_split:",
        )  # fmt: skip
    return Judged(members, [names[run.run_id] for run in members], digits)


def _listed(runs: Sequence[Run], names: dict[str, str]) -> str:
    """Names in a sentence, escaped: "A, B and C"."""
    *before, last = (escape_markdown(names[run.run_id]) for run in runs)
    return f"{', '.join(before)} and {last}" if before else last


def explain_absent(absent: Sequence[Run], names: dict[str, str]) -> None:
    """Say of runs why they can not be measured, how that changes, and which ones can be."""
    for name in dict.fromkeys(run.config["data"]["dataset"] for run in absent):
        of_it = [run for run in absent if run.config["data"]["dataset"] == name]
        if shipped := [run for run in of_it if run.shipped]:
            explain_missing_images(
                _listed(shipped, names), name, "can be measured on them", several=len(shipped) > 1
            )  # fmt: skip
        if own := [run for run in of_it if not run.shipped]:
            st.info(
                f"The test images of {_listed(own, names)} are not here any more. {DATASETS[name].how_to_get}",
                icon=":material/download:",
            )
            st.page_link("pages/learn/data/page.py", label="Data page", query_params={"dataset": name})
    if absent and (offered := shipped_runs_with_images()[:MAX_RUNS]):
        st.write(f"The images of {_listed(offered, {run.run_id: run.label for run in offered})} are here:")
        see_robustness(offered)
