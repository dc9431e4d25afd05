"""Rows of hostile bundles: damaged ones, and whole ones that lie. Refused with one sentence, or a run that can be used."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.reliability.card import Row, Tally
from bench.reliability.fuzz import ANY_BYTE, accepted, attempt
from bench.reliability.mutants import mutants
from core import data
from core.analysis.history import frame
from core.cli.output import event_line
from core.config import run_config
from core.export.tables import result_table
from core.runs import artefacts, bundles, imported, worker
from core.runs.store import Store

VISITOR = "ab" * 16
WILD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 0.5, 2**31, 2**63, 2**70, 1e308, -1e308, "", "x", "0", "\x00", "\u202e", "<b>x</b>",
    "x" * 30_000, [], {}, [[]], [1, 2], {"a": {"b": {"c": 1}}}, "../../x", "None", "nan",
)  # fmt: skip


def made_bundle(root: Path) -> bytes:
    """Of a small run that is trained for it, in a store of its own."""
    settings = {"widths": "8", "dropout": 0.1, "epochs": 1, "n_train": 100, "dataset": "digits"}
    with contextlib.closing(Store(root)) as store:
        run_id = store.create(run_config("mlp", settings), name="Zürich 🎈", request="pause")
        worker.drive(store, run_id, data.load)
        store.annotate(run_id, tags=["a", "b"], notes="Two\nlines")
        return bundles.pack(store, run_id)


def unzipped(content: bytes) -> dict[str, bytes]:
    """name -> content of a bundle's files but for its manifest, in their order."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name != bundles.MANIFEST}


def liars(content: bytes, n: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """n bundles with right checksums in which something was changed: bytes of a text, one value anywhere, or an array."""
    rng, files = np.random.default_rng(seed), unzipped(content)
    texts = [name for name in files if name.endswith((".json", ".jsonl"))]
    others = [name for name in files if name not in texts]
    for at in range(n):
        if at % 8 == 0:
            name = texts[int(rng.integers(len(texts)))]
            changed = next(mutants(files[name], 1, ANY_BYTE, seed + at))
        elif at % 8 == 1:
            name = others[int(rng.integers(len(others)))]
            changed = _with_wild_array(files[name], rng)
        else:
            name = texts[int(rng.integers(len(texts)))]
            lines = files[name].splitlines() if name == bundles.EVENTS else [files[name]]
            place = int(rng.integers(len(lines)))
            lines[place] = json.dumps(_with_wild_value(json.loads(lines[place]), rng)).encode()
            changed = b"\n".join(lines) + b"\n"
        yield name, bundles.zipped({**files, name: changed})


def _with_wild_value(values: Any, rng: np.random.Generator) -> Any:
    """The same with one value somewhere in it changed, taken out or put in."""
    if not isinstance(values, (dict, list)) or not values or rng.random() < 0.1:
        return WILD[int(rng.integers(len(WILD)))]
    places: list[Any] = list(values) if isinstance(values, dict) else list(range(len(values)))
    place, how = places[int(rng.integers(len(places)))], rng.random()
    if how < 0.1:
        del values[place]
    elif how < 0.2 and isinstance(values, dict):
        values["more"] = WILD[int(rng.integers(len(WILD)))]
    else:
        values[place] = _with_wild_value(values[place], rng)
    return values


def _with_wild_array(content: bytes, rng: np.random.Generator) -> bytes:
    """The same file with an array, or what it says about itself, changed."""
    about, arrays = artefacts.unpack(content)
    name = list(arrays)[int(rng.integers(len(arrays)))]
    array = arrays[name].copy()
    how = int(rng.integers(8))
    if how == 0:
        array.flat[int(rng.integers(array.size))] = np.nan if array.dtype.kind == "f" else -1
    elif how == 1:
        array.flat[int(rng.integers(array.size))] = np.inf if array.dtype.kind == "f" else 10
    elif how == 2:
        array = array[..., :-1]
    elif how == 3:
        array = array.astype(np.float64)
    elif how == 4:
        array = array.astype(np.float16)
    elif how == 5:
        about = _with_wild_value(about, rng)
    elif how == 6:
        return artefacts.pack(about, {**arrays, f"{name}.more": array})
    else:
        return artefacts.pack(about, {other: values for other, values in arrays.items() if other != name})
    return artefacts.pack(about, {**arrays, name: array})


def import_hostile(tally: Tally, folder: Path) -> None:
    """Half of them damaged anywhere, half whole and lying; what is taken in can be read, listed and given on again."""
    tally.figures |= dict.fromkeys(("accepted", "refused", "wrong_accepts", "other_exceptions"), 0)
    whole = made_bundle(folder / "made")
    tried = [("bytes", mutant) for mutant in mutants(whole, tally.asked // 2, ANY_BYTE, tally.seed)]
    tried += liars(whole, tally.asked - len(tried) - 1, tally.seed)
    with contextlib.closing(Store(folder / "runs")) as store:
        for at, (kind, content) in enumerate([("whole", whole), *tried]):
            what = f"bundle {at} ({kind})"
            taken = attempt(tally, what, imported.import_bundle, store, content, VISITOR)
            if taken is not None:
                _check(tally, what, store, taken.run_id, unzipped(content))
            accepted(tally, taken is not None or _count(store) == 0, f"{what}: refused, and yet something was stored")
            accepted(tally, taken is not None or content != whole, f"{what}: the true one is refused")
            with store.database.write() as db:
                db.execute("DELETE FROM runs")
    tally.check(all(tally.figures[name] for name in ("accepted", "refused")), "not both accepted and refused bundles")


def _count(store: Store) -> int:
    return sum(
        int(store.database.read(f"SELECT COUNT(*) FROM {table}")[0][0]) for table in ("runs", "events", "artefacts")
    )


def _check(tally: Tally, what: str, store: Store, run_id: str, files: Mapping[str, bytes]) -> None:
    """That what was taken in is what the bundle says, and that nothing that reads a run breaks on it."""
    accepted(tally, not store.damaged_runs() and len(store.runs()) == 1, f"{what}: a damaged run was made of it")
    try:
        run = store.run(run_id)
        run.run_config()
        history = [event for _, event in store.history(run_id)]
        frame(history)
        for event in history:
            event_line(event)
        result_table(run)
        store.snapshot(run_id)
        for split in ("val", "test"):
            store.evaluation(run_id, split)
        again = unzipped(bundles.pack(store, run_id))
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        tally.count("other_exceptions")
        tally.faults.append(f"{what}: taken in, and then {type(error).__name__}: {error}")
        return
    for name, content in files.items():
        same = again[name] == content if name.endswith("safetensors") else _plain(again[name]) == _plain(content)
        accepted(tally, same or name == bundles.RUN, f"{what}: {name} is not what the bundle says")


def _plain(content: bytes) -> list[Any]:
    lines = content.splitlines() if content.startswith(b'{"event"') else [content]
    return [json.loads(line) for line in lines]


ROWS = (Row("bundles", "damaged and lying bundles", import_hostile, 5_000, 200),)
