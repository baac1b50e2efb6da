#!/usr/bin/env python3
"""Holds the house rules of ARCHITECTURE.md and CONTRIBUTING.md. Each message says what to do instead."""
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SRC = ROOT / "src"
sys.path.insert(0, str(ROOT / "tools"))
sys.path.insert(0, str(ROOT / "tests" / "house"))
import attacks  # noqa: E402
import events  # noqa: E402
import metrics  # noqa: E402
import standards  # noqa: E402

FILE_LINES_MAX = 500
FLOOR_NAMES = {0: "base", 1: "formats", 2: "world", 3: "verdicts", 4: "memory", 5: "agents", 6: "apps"}

# What may name which library, and where to go instead.
DOORS = [
    (r"\b(boost::asio|asio::|<boost/asio)", {"net", "http"}, "src/net: use net::Task, net::Loop, net::Connection", {"src/net/task.h"}),
    (r"\b(SSL_[A-Za-z]|SSL_CTX)|<openssl/ssl\.h>", {"tls"}, "src/tls: use tls::Tls", set()),
    (r"\bub_[a-z]+\(|<unbound\.h>", {"dns"}, "src/dns: use dns::Resolver", set()),
    (r"\brocksdb::|<rocksdb/|\bPQ[a-z]+[A-Z]?\w*\(|<libpq", {"store"}, "src/store: use store::Store", set()),
    (r"\bprometheus::|<prometheus/", set(), "src/os: use os::Metrics", {"src/os/metrics.cc"}),
    (r"\bspdlog::|<spdlog/", set(), "an event: base::EventSink::emit()", {"src/os/log.cc"}),
]
# Time and chance come through os (the simulator puts its own behind it).
WORLD_ONLY = [
    (r"(system_clock|steady_clock|high_resolution_clock)::now\(", "os::Clock"),
    (r"\b(random_device|mt19937|RAND_bytes|getrandom|arc4random)\b|[^\w:.>]s?rand\(\)", "os::Random"),
    (r"[^\w:.>]time\(nullptr\)|\bgettimeofday\(|\bclock_gettime\(", "os::Clock"),
    (r"\bstd::this_thread::sleep|[^\w:.>_]u?sleep\(\d", "net::Timers"),
]
LEFT_OVERS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b", re.I)
RFC_TODO = re.compile(r"RFC \d+ §[\w.]+ todo:")
# A coroutine inside TRY leaks its frame into a statement expression; a capturing lambda dies under its coroutine.
TRY_AWAIT = re.compile(r"\bTRY\([^;]*co_await")
LAMBDA_COROUTINE = re.compile(r"\[[^\]\n]*[&=\w][^\]\n]*\]\s*\([^)]*\)[^{;]*\{[^}]*\bco_(await|return)\b")

failures = defaultdict(list)


def rooms():
    """Each room's floor and the neighbours it declares, from its CMakeLists.txt."""
    found = {}
    for path in sorted(SRC.glob("*/CMakeLists.txt")):
        text = path.read_text()
        match = re.search(r"room\(\s*NAME\s+(\w+)\s+FLOOR\s+(\d)([^)]*)\)", text)
        if not match:
            failures["rooms"].append(f"{path.relative_to(ROOT)}: no room(NAME … FLOOR …): see cmake/room.cmake")
            continue
        name, floor, rest = match.group(1), int(match.group(2)), match.group(3)
        uses = re.search(r"USES\s+([\w\s]+?)(?:LIBRARIES|$)", rest.strip())
        if name != path.parent.name:
            failures["rooms"].append(f"{path.relative_to(ROOT)}: the room is called {name}: name it as its folder")
        found[name] = (floor, uses.group(1).split() if uses else [])
    return found


def source_files(folder=SRC):
    return sorted(p for p in folder.rglob("*") if p.suffix in (".cc", ".h"))


def without_comments(text):
    text = re.sub(r"//[^\n]*", "", text)
    return re.sub(r'"(?:[^"\\\n]|\\.)*"', lambda m: m.group(0) if m.group(0).endswith('.h"') else '""', text)


def check_floors(house):
    for path in source_files():
        room = path.parent.name
        if room not in house:
            continue
        floor, uses = house[room]
        test = path.stem.endswith(("_test", "_fuzz", "_bench"))
        for line, other in re.findall(r'^(\s*#include "(\w+)/)', path.read_text(), re.M):
            if other == room or other not in house:
                continue
            other_floor = house[other][0]
            where = f"{path.relative_to(ROOT)} includes {other}/"
            if other_floor > floor:
                failures["floors"].append(f"{where}: {other} is on floor {other_floor}, above floor {floor} "
                                          f"({FLOOR_NAMES[floor]}): move what is needed down, or pass it in")
            elif other_floor == floor and other not in uses and not test:
                failures["floors"].append(f"{where}: a neighbour must be declared: add {other} to USES in src/{room}/CMakeLists.txt")
            elif floor == 5 and other_floor == 5:
                failures["floors"].append(f"{where}: agents never include each other: they meet in the queue")


def check_circles(house):
    def visit(room, trail):
        if room in trail:
            failures["circles"].append("rooms in a circle: " + " -> ".join(trail[trail.index(room):] + [room]))
            return
        for other in house.get(room, (0, []))[1]:
            if other in house and house[other][0] == house[room][0]:
                visit(other, trail + [room])
    for room in house:
        visit(room, [])


def check_doors(house):
    for path in source_files() + source_files(ROOT / "apps"):
        relative = str(path.relative_to(ROOT))
        room = path.parent.name
        text = without_comments(path.read_text())
        for pattern, allowed, instead, files in DOORS:
            if room in allowed or relative in files:
                continue
            match = re.search(pattern, text)
            if match:
                failures["doors"].append(f"{relative} names '{match.group(0)}': only {', '.join(sorted(allowed) or sorted(files))} may. Use {instead}")
        floor = house.get(room, (6, []))[0]
        if floor == 2 or path.stem.endswith(("_test", "_bench")):
            continue
        for pattern, instead in WORLD_ONLY:
            match = re.search(pattern, text)
            if match:
                failures["world"].append(f"{relative} names '{match.group(0).strip()}': take {instead} instead")


def check_files():
    for path in source_files() + source_files(ROOT / "apps") + sorted((ROOT / "tests").rglob("*.py")):
        relative = path.relative_to(ROOT)
        text = path.read_text(errors="replace")
        lines = text.count("\n")
        if lines > FILE_LINES_MAX:
            failures["files"].append(f"{relative}: {lines} lines, at most {FILE_LINES_MAX}: it holds two ideas, split it")
        if path.suffix == ".h" and "#pragma once" not in text:
            failures["files"].append(f"{relative}: no #pragma once")
        if path == Path(__file__).resolve():
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if LEFT_OVERS.search(line) and not RFC_TODO.search(line):
                failures["marks"].append(f"{relative}:{number}: a left-over mark: build it, or write the gap as 'RFC nnnn §n todo: …'")
        if path.suffix in (".cc", ".h"):
            code = without_comments(text)
            if TRY_AWAIT.search(code):
                failures["coroutines"].append(f"{relative}: co_await inside TRY: use CO_TRY or CO_CHECK")
            if LAMBDA_COROUTINE.search(code) and not path.stem.endswith("_test"):
                failures["coroutines"].append(f"{relative}: a lambda that captures is a coroutine: call a coroutine function from it")
        if "GTEST_SKIP" in text or "DISABLED_" in text:
            failures["marks"].append(f"{relative}: a test that can be skipped: make it run, or take it out")


def check_readmes(house):
    for room in house:
        readme = SRC / room / "README.md"
        if not readme.exists() or len(readme.read_text()) < 300:
            failures["readmes"].append(f"src/{room}/README.md: write the page that teaches the room to a newcomer")


def check_machine_paths():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    for name in listed:
        path = ROOT / name
        if not path.is_file() or path.suffix in (".png", ".ico") or "corpus" in path.parts:
            continue
        text = path.read_text(errors="replace")
        if str(ROOT.parent) + "/" in text and str(ROOT.parent) != "/":
            failures["paths"].append(f"{name}: a path of this machine")


def known_rfcs():
    """RFC number -> its sections' highest first number, from rfcs.txt."""
    table = {}
    for line in (Path(__file__).parent / "rfcs.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            number, highest, *_ = line.split()
            table[int(number)] = int(highest)
    return table


def check_rfcs():
    table = known_rfcs()
    pattern = re.compile(r"RFC:? (\d{3,5})(?:(?:,)? (?:§|section |sections )([\dA-Z]+)(?:\.[\d.]+)?)?")
    for path in source_files():
        for number, section in pattern.findall(path.read_text()):
            where = f"{path.relative_to(ROOT)}: RFC {number}"
            if int(number) not in table:
                failures["rfcs"].append(f"{where} is not in tests/house/rfcs.txt: check that it exists, then add it")
            elif section.isdigit() and not 1 <= int(section) <= table[int(number)]:
                failures["rfcs"].append(f"{where} has no section {section}: it has {table[int(number)]}")


def check_documents():
    """Documents that follow the code: the events of the operator's guide, the table of standards."""
    failures["events"] = events.check()
    failures["metrics"] = metrics.check()
    failures["standards"] = standards.check()
    failures["attacks"] = attacks.check()


def check_planted():
    """A planted fault that no longer applies proves nothing."""
    for path in sorted((ROOT / "tests" / "sim" / "planted").glob("*.patch")):
        done = subprocess.run(["git", "apply", "--check", str(path)], cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            said = done.stderr.strip().splitlines()[-1]
            failures["planted"].append(f"{path.relative_to(ROOT)}: {said}: plant the same fault in what stands there now")


def main():
    house = rooms()
    checks = ["rooms", "floors", "circles", "doors", "world", "files", "marks", "coroutines", "readmes", "paths", "rfcs", "events",
              "metrics", "standards", "attacks", "planted"]
    check_floors(house)
    check_circles(house)
    check_doors(house)
    check_files()
    check_readmes(house)
    check_machine_paths()
    check_rfcs()
    check_documents()
    check_planted()
    for check in checks:
        print(f"{'not ok' if failures[check] else 'ok'} - {check}")
        for message in sorted(set(failures[check])):
            print(f"    {message}")
    return 1 if any(failures.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
