#!/usr/bin/env python3
"""The runner's own memory: what it may take as passed, and what it must run again."""
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from runner.ledger import Ledger  # noqa: E402
from runner.lint import included  # noqa: E402
from runner.memory import STATES_MAX, Memory  # noqa: E402

failed = 0


def check(name, condition):
    global failed
    failed += not condition
    print(f"{'ok' if condition else 'not ok'} - {name}")


def lint_memory(folder):
    (folder / "a.cc").write_text("one")
    (folder / "a.h").write_text("header")

    def fresh():  # as the next run sees it
        return Memory(folder / "lint", folder)

    first = fresh()
    check("lint: nothing is known at first", not first.knows("tidy a.cc", ["v1"]))
    first.remember("tidy a.cc", ["v1"], first.read([folder / "a.cc", folder / "a.h", "/etc/passwd"]))
    check("lint: what passed is known", fresh().knows("tidy a.cc", ["v1"]))
    check("lint: not with another tool", not fresh().knows("tidy a.cc", ["v2"]))
    check("lint: not another check", not fresh().knows("tidy b.cc", ["v1"]))
    (folder / "a.h").write_text("headeR")
    check("lint: not with another header", not fresh().knows("tidy a.cc", ["v1"]))
    second = fresh()
    second.remember("tidy a.cc", ["v1"], second.read([folder / "a.cc", folder / "a.h"]))
    (folder / "a.h").write_text("header")
    check("lint: known again once the header is as it was", fresh().knows("tidy a.cc", ["v1"]))
    (folder / "a.h").unlink()
    check("lint: not without the header", not fresh().knows("tidy a.cc", ["v1"]))

    third = fresh()
    read = third.read([folder / "a.cc"])
    (folder / "a.cc").write_text("changed while it ran")
    third.remember("tidy c.cc", ["v1"], read)
    check("lint: what changed while it ran isn't remembered", not fresh().knows("tidy c.cc", ["v1"]))
    for turn in range(STATES_MAX + 1):
        (folder / "a.cc").write_text(f"turn {turn}")
        memory = fresh()
        memory.remember("tidy d.cc", ["v1"], memory.read([folder / "a.cc"]))
    (folder / "a.cc").write_text("turn 0")
    check("lint: the oldest of many contents is forgotten", not fresh().knows("tidy d.cc", ["v1"]))
    for path in (folder / "lint").iterdir():
        path.write_bytes(path.read_bytes()[:20])
    (folder / "a.cc").write_text(f"turn {STATES_MAX}")
    check("lint: a file that was cut short is no memory", not fresh().knows("tidy d.cc", ["v1"]))
    check("lint: includes are read from make's form",
          included("a.o: /x/a.cc \\\n  /x/b\\ c.h /usr/d.h\n") == ["/x/a.cc", "/x/b c.h", "/usr/d.h"])


def ledger(folder):
    path = folder / "long" / "ledger"
    first = Ledger(path, "aaa")
    first.add("floor0", 7, 0, 1.0)
    first.add("floor1", 6, 1, 1.0)
    first.add("fuzz_x", 1, 0, 60.0, asked=60)
    again = Ledger(path, "aaa")
    check("long: what passed is done", again.is_done("floor0"))
    check("long: what failed is not", not again.is_done("floor1"))
    check("long: what never ran is not", not again.is_done("floor2"))
    check("long: a minute of fuzzing isn't ten", again.is_done("fuzz_x", 60) and not again.is_done("fuzz_x", 600))
    check("long: nothing is done on another commit", not Ledger(path, "bbb").is_done("floor0"))
    check("long: unless its commit is said to count", Ledger(path, "bbb", ["aaa"]).is_done("floor0"))
    again.add("floor0", 6, 1, 1.0)
    check("long: the last run decides", not again.is_done("floor0"))

    moved = Ledger(path, "aaa", now=lambda: "bbb")
    moved.add("floor5", 7, 0, 1.0)
    check("long: what ran while the tree changed is done on neither", not moved.is_done("floor5")
          and not Ledger(path, "aaa").is_done("floor5") and not Ledger(path, "bbb").is_done("floor5"))

    again.add("days", 50, 0, 1.0, **{"from": 101, "seeds": 50})
    check("long: the days go on behind the last seed", again.next_seed("days", 101) == 151)
    again.add("days", 50, 0, 1.0, **{"from": 200, "seeds": 50})
    check("long: a gap between seeds isn't passed over", again.next_seed("days", 101) == 151)
    again.add("days", 49, 0, 1.0, **{"from": 151, "seeds": 49})
    check("long: a gap that was filled is", again.next_seed("days", 101) == 250)
    with open(path, "a") as file:
        file.write('{"piece": "floor3", "sta')
    cut = Ledger(path, "aaa")
    check("long: a line that was cut short counts for nothing", not cut.is_done("floor3") and cut.next_seed("days", 101) == 250)
    cut.add("floor4", 1, 0, 1.0)
    check("long: and spoils none behind it", Ledger(path, "aaa").is_done("floor4"))


with tempfile.TemporaryDirectory() as name:
    lint_memory(Path(name))
    ledger(Path(name))
sys.exit(1 if failed else 0)
