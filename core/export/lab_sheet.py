"""The report of one pupil on one lesson, as HTML that prints on two pages and as Markdown: what was guessed and why, how it was
tried, what came out and how sure that is, and what it does not show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core import models
from core.analysis.history import frame
from core.analysis.metrics import accuracy_interval
from core.analysis.statistics import mean_sd
from core.charts.bands import Band, bands, describe_bands
from core.charts.looks import Look
from core.compare.differences import title_text, value_text
from core.config import RunConfig, all_settings
from core.errors import InputError
from core.experiments.apart import Measured
from core.experiments.lessons import COURSES, Contestant, Lesson, filled
from core.experiments.measures import shown
from core.experiments.pictures import reveal_alt, reveal_figure
from core.experiments.plain_words import close_sentence, luck_basis, luck_lines
from core.experiments.results import Result
from core.experiments.reveals import WRITER, Reveal, curve_rows, reveal, words
from core.export.figure import METRICS, look_of, made_with
from core.export.picture import picture
from core.export.sheet_blocks import Block, Facts, Heading, Image, Prose, Table, Text, WriteHere, as_html, as_markdown
from core.export.source import Exported, File
from core.machine.processor import cpu_model
from core.runs.guesses import Guess, trained_before
from core.runs.manifest import versions
from core.runs.reading import epoch_ends
from core.runs.rows import Run
from core.runs.store import Store

MAX_NAMES = 2  # of contestants that share one network, in the name of its curve
BLANK = "_" * 24  # a name to be written in by hand


@dataclass(frozen=True)
class LabSheetSource:
    """runs: contestant by contestant, as ``core.experiments.results`` reads them; () where nothing was trained here"""

    store: Store
    lesson: Lesson
    guess: Guess
    result: Result
    runs: Sequence[Run]


def make(source: LabSheetSource) -> Exported:
    """The sheet in both forms. Raises InputError for a guess that the lesson does not ask for any more, StorageError."""
    lesson, guess = source.lesson, source.guess
    value = lesson.check_guess(guess.value)
    blocks = _blocks(source, reveal(lesson, value, source.result, WRITER))
    title, name = f"Lab sheet: {lesson.title}", f"lab-sheet-{lesson.id}"
    files = (
        File(f"{name}.html", as_html(title, blocks).encode(), "text/html"),
        File(f"{name}.md", as_markdown(title, blocks).encode(), "text/markdown"),
    )
    return Exported(files, "Question, guess, reason, settings, figures and curves of this lesson, on two pages.")


def _blocks(source: LabSheetSource, outcome: Reveal) -> list[Block]:
    lesson, guess, result = source.lesson, source.guess, source.result
    seeds = ", ".join(map(str, result.seeds))
    claim: list[Block] = [Text(f"Claimed in a learner’s project: “{lesson.claim}”")] if lesson.claim else []
    learned = _curves(source)
    curves: list[Block] = [Heading("While they learned"), learned] if learned else []
    return [
        Facts([
            ("Name", guess.name or BLANK), *([("Class", guess.class_code)] if guess.class_code else []),
            ("Guessed", f"{guess.guessed_utc[:10]}, before the result was shown"), ("Course", COURSES[lesson.course]),
        ]),
        Heading("Question"), Text(lesson.question), *claim,
        Heading("My guess"),
        Facts([("Asked", lesson.guess.ask), ("Guess", words(lesson, guess.value)), ("Reason", guess.reason or "none given")]),
        Heading("What came out"), Text(outcome.sentence), _reveal_image(source),
        *_points(source), *([Text(close, is_small=True)] if (close := close_sentence(lesson)) else []),
        _figures(lesson, result), Text(_about_figures(lesson, result), is_small=True), *_luck(lesson, result),
        Heading("How it was tried"), *_settings(source),
        *([Facts([("Seeds", seeds)])] if seeds else []),
        *curves,
        Heading("What this does not show"), Prose(filled(lesson.sections["What this does not show"], outcome.placeholders)),
        Heading("To carry on"), Prose(filled(lesson.sections["Carry on"], outcome.placeholders)),
        WriteHere("What I conclude:"),
        Heading("Made with"), Facts(_environment(source)),
    ]  # fmt: skip


def _reveal_image(source: LabSheetSource) -> Image:
    lesson, value = source.lesson, source.guess.value
    looks = dict(zip(lesson.labels, (look_of(run) for run in _first_runs(source)), strict=False))
    figure = reveal_figure(lesson, value, source.result, looks or None)
    made = picture([figure.built()], "Guess and result", _about_seeds(source.result))
    return Image(made.svg, made.png, reveal_alt(lesson, value, source.result))


def _points(source: LabSheetSource) -> list[Block]:
    """Of a curve, each number beside what came out."""
    rows = curve_rows(source.lesson, source.guess.value, source.result)
    return [Table(["", "Guess", "Came out", "Gap"], rows)] if rows else []


def _about_seeds(result: Result) -> str:
    """Of how many images and seeds the picture tells, in a sentence."""
    images = next((measured.images for measured in result.measured if measured.images), "")
    seeds = f"{len(result.seeds):,} seed{'s' if len(result.seeds) > 1 else ''}" if result.seeds else ""
    parts = " · ".join(filter(None, (images, seeds)))
    return f"{parts}. {made_with()}" if parts else made_with()


def _figures(lesson: Lesson, result: Result) -> Table:
    head = [lesson.measure.heading, "Mean", "Lowest to highest", "95 % interval", "Images", "Values"]
    return Table(head, [_row(lesson, measured) for measured in result.measured])


def _row(lesson: Lesson, measured: Measured) -> list[str]:
    unit, decimals = lesson.measure.unit, max(lesson.decimals, lesson.measure.decimals)
    numbers = measured.numbers
    if not numbers or measured.mean is None:
        return [measured.label, "diverged", "", "", measured.images, "0"]
    ends = "" if len(numbers) == 1 else f"{shown(min(numbers), '', decimals)} to {shown(max(numbers), unit, decimals)}"
    interval = _interval(lesson, measured)
    between = f"{shown(interval[0], '', decimals)} to {shown(interval[1], unit, decimals)}" if interval else "none"
    n_values = f"{len(numbers):,}" + (f" of {len(measured.values):,}" if len(numbers) < len(measured.values) else "")
    cells = [shown(measured.mean, unit, decimals), ends, between]
    return [measured.label, *(_unbroken(cell) for cell in cells), measured.images or "none", n_values]


def _unbroken(text: str) -> str:
    """With its unit on the same line."""
    return text.replace(" %", "\u00a0%")


def _interval(lesson: Lesson, measured: Measured) -> tuple[float, float] | None:
    """Of the mean over seeds; of one share of images by Wilson; None of what is exact or has no spread."""
    asked = next(lesson.asked(one) for one in lesson.contestants if one.label == measured.label)
    numbers = measured.numbers
    if asked.measure.exact:
        return None
    if len(numbers) > 1:
        mean = mean_sd(numbers)
        low, high = mean.low or 0.0, mean.high or 0.0
        return (max(low, 0.0), min(high, 100.0)) if asked.measure.is_accuracy else (low, high)
    if not asked.measure.is_accuracy or not measured.n:
        return None
    low, high = accuracy_interval(numbers[0] / 100, measured.n)
    return 100 * low, 100 * high


def _luck(lesson: Lesson, result: Result) -> list[Block]:
    """Whether gaps that the lesson compares could be luck, in one paragraph: the sheet has two pages."""
    lines = luck_lines(lesson, result)
    if not lines:
        return []
    return [Text(" ".join(["Could it be luck?", *lines])), Text(luck_basis(lesson, result), is_small=True)]


def _about_figures(lesson: Lesson, result: Result) -> str:
    """What a value is, and what the interval holds."""
    most = max(len(measured.values) for measured in result.measured)
    if all(lesson.asked(contestant).measure.exact for contestant in lesson.contestants):
        return "These numbers are exact: they come out the same each time."
    if most > 1:
        kind = "seed" if result.seeds else "measurement"
        return f"A value for each {kind}. The interval is that of the mean over endlessly many of them, on the same images."
    return "One value each. The interval of a share is that on endlessly many such images; it knows nothing of other seeds."


def _settings(source: LabSheetSource) -> list[Block]:
    """What all contestants share, and what each has of its own."""
    lesson = source.lesson
    configs = _configs(source)
    if not configs:
        shared = ", ".join(f"{name} {value}" for name, value in lesson.experiment.settings.items())
        rows = [[one.label, ", ".join(f"{name} {value}" for name, value in one.settings.items()) or one.architecture or one.run]
                for one in lesson.contestants]  # fmt: skip
        return [*([Facts([("All", shared)])] if shared else []), Table(["Contestant", "Settings"], rows)]
    texts_by_label = {label: _texts(config) for label, config in configs.items()}
    common = set.intersection(*(set(texts.items()) for texts in texts_by_label.values()))
    shared_names = {name for name, _ in common}
    differ = {name for texts in texts_by_label.values() for name in texts} - shared_names
    first = next(iter(texts_by_label.values()))
    rows = []
    for label, config in configs.items():
        acting = [one for one in all_settings(config.architecture) if one.applies(config.flat())]
        texts = [_text(config, one.name) for one in acting if one.name in differ]
        rows.append([label, ", ".join([models.title(config.architecture), *texts])])
    shared = ", ".join(text for name, text in first.items() if name in shared_names)
    return [
        Facts([("All", shared)]), Table(["Contestant", "Network and settings"], rows),
        Text(f"All other settings are the defaults of Digit Lab {versions()['digit-lab']}.", is_small=True),
    ]  # fmt: skip


def _configs(source: LabSheetSource) -> dict[str, RunConfig]:
    """Of each contestant that is a network; {} where one is none, or where runs that came with the program are gone."""
    lesson = source.lesson
    if lesson.experiment.kind == "shipped":
        runs = _first_runs(source)
        return {label: run.run_config() for label, run in zip(lesson.labels, runs, strict=True)} if runs else {}
    try:
        return {one.label: lesson.config(one) for one in lesson.contestants if _is_network(one)}
    except InputError:
        return {}


def _is_network(contestant: Contestant) -> bool:
    return contestant.architecture in models.TABLE


def _texts(config: RunConfig) -> dict[str, str]:
    """The dataset and every setting that acts and differs from its default, by name: "batch size 32"."""
    names = {"dataset", *config.link()} - {"seed"}
    return {one.name: _text(config, one.name) for one in all_settings(config.architecture) if one.name in names}


def _text(config: RunConfig, name: str) -> str:
    return f"{title_text(config, name)} {value_text(config, name)}"


def _curves(source: LabSheetSource) -> Image | None:
    """Loss and accuracy after each epoch, the seeds of a contestant as a band; None where nothing was trained here."""
    series = _series(source)
    if not series:
        return None
    charts = [bands(series, metric=metric) for metric in METRICS]
    several = any(len(band.histories) > 1 for band in series)
    caption = "Mean over the seeds of each contestant." if several else "One run of each contestant."
    made = picture(charts, "Validation after each epoch", f"{caption} {made_with()}")
    return Image(made.svg, made.png, " ".join(describe_bands(series, metric=metric) for metric in METRICS))


def _series(source: LabSheetSource) -> list[Band]:
    """A band for each group of runs; contestants that are one network measured in two ways share theirs."""
    if not source.runs:
        return []
    ends = epoch_ends(source.store, [run.run_id for run in source.runs])
    n_each = len(source.runs) // len(source.lesson.labels)
    groups: dict[tuple[str, ...], tuple[list[str], Look]] = {}
    for place, label in enumerate(source.lesson.labels):
        own = source.runs[place * n_each : (place + 1) * n_each]
        groups.setdefault(tuple(run.run_id for run in own), ([], look_of(own[0])))[0].append(label)
    return [
        Band(_name(source, labels, run_ids[0]), look, [frame(ends[run_id]) for run_id in run_ids])
        for run_ids, (labels, look) in groups.items()
    ]


def _name(source: LabSheetSource, labels: Sequence[str], run_id: str) -> str:
    """What a band is called: after its contestants, or after its network where they are many."""
    if len(labels) <= MAX_NAMES:
        return " and ".join(labels)
    return models.title(next(run.architecture for run in source.runs if run.run_id == run_id))


def _first_runs(source: LabSheetSource) -> Sequence[Run]:
    """Of each contestant."""
    n_each = len(source.runs) // len(source.lesson.labels)
    return source.runs[::n_each] if n_each else ()


def _environment(source: LabSheetSource) -> list[tuple[str, str]]:
    """On what it was computed: by the runs' own notes, or what is here now where nothing was trained."""
    result, manifests = source.result, [run.manifest for run in source.runs]

    def of_runs(name: str) -> str:
        return " / ".join(sorted({str(manifest[name]) for manifest in manifests if name in manifest}))

    used = [manifest.get("versions", {}) for manifest in manifests] or [versions()]
    names = [("digit-lab", "Digit Lab"), ("python", "Python"), ("torch", "PyTorch"), ("numpy", "NumPy")]
    rows = [(title, " / ".join(sorted({str(of[name]) for of in used if name in of}))) for name, title in names]
    software = ("Software", ", ".join(f"{title} {numbers}" for title, numbers in rows if numbers))
    if result.machine:
        return [("Computed on", f"{result.machine}, beforehand, because the images of MNIST are not here"), software]
    by_id = {run.run_id: run for run in source.runs}
    n, n_before = len(by_id), len(trained_before(source.guess, list(by_id.values())))
    trained = f"{n:,} run{'s' if n > 1 else ''}, {result.seconds:,.0f} seconds of computing" if result.seconds else ""
    if trained and n_before:
        trained += f"; {f'{n_before:,} of them' if n_before < n else 'all'} before this guess, and read again for it"
    facts = [
        ("Processor", of_runs("cpu") or cpu_model()), ("Threads", of_runs("threads")), ("Precision", of_runs("precision")),
        ("Trained", trained),
    ]  # fmt: skip
    return [(term, text) for term, text in (software, *facts) if text]
