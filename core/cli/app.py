"""``python -m core …``: the same engine without a screen. Builds the parser and runs one command.

Exit code 0; 1 when a run failed or diverged, or this computer can not compute what was asked; 2 for bad input, with one
line on standard error; 130 when Ctrl-C ended it. With ``--json``, one JSON object a line on standard output and nothing else.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable
from typing import NoReturn

from core.cli import (
    agent,
    backup,
    compare,
    export,
    find_lr,
    flags,
    import_bundle,
    lessons,
    lists,
    machine,
    race,
    reference,
    robustness,
    runs,
    train,
)
from core.cli.output import BAD_RESULT
from core.errors import InputError

BAD_INPUT = 2
INTERRUPTED = 130  # as shells have it: 128 and the number of the signal


class _Parser(argparse.ArgumentParser):
    """Bad flags are bad input: one line, exit code 2."""

    def error(self, message: str) -> NoReturn:
        raise InputError(message)


def _parser(settings_of: str | None) -> argparse.ArgumentParser:
    """``settings_of``: the architecture whose settings ``train`` and ``find-lr`` get a flag for."""
    parser = _Parser(prog="python -m core", description="Train and compare neural networks on handwritten digits.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)

    def command(name: str, help: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help, allow_abbrev=False)
        sub.add_argument("--json", action="store_true", help="one JSON object a line")
        sub.set_defaults(run=run)
        return sub

    train.add_train_flags(command("train", train.TRAIN_HELP, train.train), settings_of)
    command("resume", train.RESUME_HELP, train.resume).add_argument("run_id", metavar="RUN")
    command("runs", runs.RUNS_HELP, runs.runs)
    command("show", runs.SHOW_HELP, runs.show).add_argument("run_id", metavar="RUN")
    runs.add_evaluate_flags(command("evaluate", runs.EVALUATE_HELP, runs.evaluate))
    export.add_flags(command("export", export.HELP, export.export))
    import_bundle.add_flags(command("import", import_bundle.HELP, import_bundle.import_bundle))
    backup.add_backup_flags(command("backup", backup.BACKUP_HELP, backup.backup))
    backup.add_restore_flags(command("restore", backup.RESTORE_HELP, backup.restore))
    command("datasets", lists.DATASETS_HELP, lists.datasets)
    command("architectures", lists.ARCHITECTURES_HELP, lists.architectures)
    command("presets", lists.PRESETS_HELP, lists.presets)
    lessons.add_flags(command("lessons", lessons.HELP, lessons.lessons))
    reference.add_flags(command("reference", reference.HELP, reference.reference))
    find_lr.add_flags(command("find-lr", find_lr.HELP, find_lr.find_lr), settings_of)
    race.add_race_flags(command("race", race.RACE_HELP, race.race))
    compare.add_compare_flags(command("compare", compare.COMPARE_HELP, compare.compare))
    agent.add_flags(command("agent", agent.HELP, agent.agent))
    robustness.add_flags(command("robustness", robustness.HELP, robustness.robustness))
    machine.add_flags(command("machine", machine.HELP, machine.machine))
    lists.add_baselines_flags(command("baselines", lists.BASELINES_HELP, lists.baselines))
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that this terminal has no letters for is written as \\u4e2d
            stream.reconfigure(errors="backslashreplace")
    try:
        parser = _parser(flags.architecture_meant(words))
        options = parser.parse_args(words)
        code: int = options.run(options)
        return code
    except InputError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return BAD_INPUT
    except (RuntimeError, MemoryError) as error:  # torch's own faults: a missing kernel, memory that ran out
        from core.machine.faults import fault_sentence

        print(fault_sentence(error), file=sys.stderr)
        return BAD_RESULT
    except KeyboardInterrupt:  # commands that train take note of it themselves, and save what they have
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has seen enough.
        sys.stderr.close()
        return 0
