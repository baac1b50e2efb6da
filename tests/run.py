#!/usr/bin/env python3
"""Runs the tests and counts them: the last line is 'N passed, N failed'. What there is to run, and how: tests/runner/."""
import argparse
import sys

sys.dont_write_bytecode = True
from runner.clock import move, seconds_ahead  # noqa: E402
from runner.fresh import STEPS, fresh  # noqa: E402
from runner.fuzz import merge  # noqa: E402
from runner.lint import lint  # noqa: E402
from runner.long import long  # noqa: E402
from runner.process import Count  # noqa: E402
from runner.sanitize import sanitize  # noqa: E402
from runner.usual import usual  # noqa: E402


def options():
    parser = argparse.ArgumentParser(prog="./test", description="Without options: everything that fits.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only what has this in its name")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--long", action="store_true", help="everything, at length; what passed on this commit isn't run again")
    kind.add_argument("--sanitize", action="store_true", help="unit tests under the sanitizers: sanitize, thread")
    kind.add_argument("--lint", action="store_true", help="clang-format, each header alone, clang-tidy, over the last commit's files")
    kind.add_argument("--merge", action="store_true", help="what fuzzing found and reaches something new goes into the corpora")
    kind.add_argument("--fresh", action="store_true", help="the two commands on a bare Debian 12, made in a folder; as root")
    parser.add_argument("--until", choices=STEPS, help="fresh: no further than this step; else all")
    parser.add_argument("--ccache", metavar="DIR", help="fresh: a compiler cache to share with it; else none")
    parser.add_argument("--clock", metavar="TIME", default="", help="with the clock of all programs moved: +365d")
    parser.add_argument("--all", action="store_true", help="lint: all files")
    parser.add_argument("--again", action="store_true", help="long: what passed, too")
    parser.add_argument("--since", metavar="COMMIT", help="long: what passed on this commit or a later one counts as passed")
    parser.add_argument("--fuzz-seconds", type=int, default=600, help="long: for each fuzz target")
    parser.add_argument("--jobs", type=int, default=0, help="long: fuzz targets at once; as many as there are cores")
    parser.add_argument("--sim-minutes", type=int, default=60, help="long: for the simulator's days: as many seeds as fit")
    parser.add_argument("--sim-from", type=int, default=0, help="long: the first seed; else where the last run ended")
    return parser


def main():
    given = options().parse_args()
    count = Count()
    if given.clock and seconds_ahead(given.clock) is None:
        options().error("--clock: a time such as +365d or +12h")
    if given.clock and not given.fresh and not move(given.clock):
        options().error("--clock: build/release/lib/clock_ahead.so isn't built")
    if given.lint:
        lint(count, given.all)
    elif given.sanitize:
        sanitize(count, given.names)
    elif given.fresh:
        fresh(count, given)
    elif given.merge:
        merge(count, given.names)
    elif given.long:
        long(count, given)
    else:
        usual(count, given.names)
    print(f"{count.passed} passed, {count.failed} failed")
    return 1 if count.failed or not count.passed else 0


if __name__ == "__main__":
    sys.exit(main())
