"""The report card: what was tried to break Digit Lab, how often, and how often it broke.

    python -m bench.reliability                   # everything, about half an hour on two cores
    python -m bench.reliability --quick           # a little of everything, under 50 s; part of `make test`
    python -m bench.reliability --only kills idx  # some rows
    python -m bench.reliability --list            # their names

A row is met when it was tried as often as asked without one fault. Exit code 1 when a row is not met, 2 for bad input. What
this machine lacks (MNIST, a browser) is named and not counted. Every random choice comes from the seed that is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from unittest.mock import patch

from bench.serving import about, about_line

NOT_MET, BAD_INPUT = 1, 2
# No runs that came with the program, and one thread: a process that forks must not own a pool of threads.
SETTING: Mapping[str, str] = MappingProxyType(
    {
        "DIGIT_LAB_THREADS": "1",
        "DIGIT_LAB_PROCESSES": "1",
        "OMP_NUM_THREADS": "1",
        "DIGIT_LAB_REFERENCE_RUNS": os.devnull,
    }
)
MEMORY_DISK = Path("/dev/shm")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, 1 or 2, as above."""
    parser = argparse.ArgumentParser(prog="python -m bench.reliability", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", nargs="+", metavar="ROW", help="some rows; --list names them")
    parser.add_argument("--list", action="store_true", help="name the rows and say what they try")
    parser.add_argument("--quick", action="store_true", help="a little of everything, under 50 s")
    parser.add_argument("--seed", type=int, default=0, help="of every random choice, default 0")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    from bench.reliability.card import line, measure
    from bench.reliability.rows import ROWS

    if options.list:
        for row in ROWS:
            print(f"{row.name:<16} {row.title}")
        return 0
    strangers = set(options.only or ()) - {row.name for row in ROWS}
    if strangers:
        print(f"not a row: {', '.join(sorted(strangers))}", file=sys.stderr)
        return BAD_INPUT
    facts = about() | {"seed": options.seed, "card": "quick" if options.quick else "full"}
    print(json.dumps({"about": facts}) if options.json else about_line(facts), flush=True)
    results = []
    # A kill loses nothing of what was written on a disk in memory, and a sync takes no time there.
    disk = MEMORY_DISK if options.quick and MEMORY_DISK.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="digit-lab-bench-", dir=disk, ignore_cleanup_errors=True) as place:
        for row in ROWS:
            if not options.only or row.name in options.only:
                own = Path(place) / row.name
                own.mkdir()
                with patch.dict(os.environ, {**SETTING, "DIGIT_LAB_RUNS": str(own / "runs")}):
                    results.append(measure(row, quick=options.quick, seed=options.seed, folder=own))
                print(json.dumps(results[-1]) if options.json else line(results[-1]), flush=True)
    missed = [result["row"] for result in results if result["met"] is False]
    if not options.json:
        print(
            f"{len(results) - len(missed)} of {len(results)} rows without a fault."
            + (f" Not met: {', '.join(missed)}." if missed else "")
        )
    return NOT_MET if missed else 0


if __name__ == "__main__":
    sys.exit(main())
