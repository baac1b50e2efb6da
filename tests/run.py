#!/usr/bin/env python3
"""Runs the tests and counts them: the last line is 'N passed, N failed'.

Unit tests (one program a floor), the platform in the simulator, the corpora of the fuzz targets,
the house rules, and the scenarios with real peers. Each has its time; what a failing one printed is shown.
"""
import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RELEASE = ROOT / "build" / "release"
UNIT_SECONDS = 300
DAYS = 1_000  # seeds of the simulator
DAYS_LONG = 100_000
SCENARIO_SECONDS = 240
SCENARIO_SECONDS_LONG = {"40": 3600, "42": 1800, "43": 1800}  # every crash point; the others four times the usual
SCENARIO_SECONDS_LEFT = 20  # in which a scenario ends what it started


class Count:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def add(self, name, passed, failed, seconds, output=""):
        self.passed += passed
        self.failed += failed
        word = "ok  " if failed == 0 else "FAIL"
        print(f"{word} {name:<40} {passed:5d} passed {failed:3d} failed  {seconds:6.1f} s", flush=True)
        if failed:
            print("\n".join("     | " + line for line in output.splitlines()[-80:]), flush=True)


def run(command, seconds, env=None):
    """The exit code and what was printed; a command over its time is killed with its children."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                               cwd=ROOT, start_new_session=True, env={**os.environ, **(env or {})})
    try:
        output, _ = process.communicate(timeout=seconds)
        code = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        output, _ = process.communicate()
        output += f"\nstopped after {seconds} s"
        code = 124
    return code, output, time.monotonic() - began


def gtest(count, program, env=None, name=None):
    code, output, seconds = run([str(program)], UNIT_SECONDS, env)
    passed = len(re.findall(r"^\[       OK \]", output, re.M))
    failed = len(set(re.findall(r"^\[  FAILED  \] ([\w/]+\.[\w/]+)", output, re.M)))
    if code != 0 and failed == 0:
        failed = 1  # it crashed, or ran nothing
    if passed + failed == 0:
        failed = 1
        output += "\nno test ran"
    shown = "\n".join(line for line in output.splitlines() if not re.match(r"^\[( RUN  |       OK)", line))
    count.add(name or program.name, passed, failed, seconds, shown)


def days(count, long, minutes):
    """Days of the whole platform in the simulator, one a seed; a long run goes on where the short one ends."""
    seeds, first = (DAYS_LONG, DAYS + 1) if long else (DAYS, 1)
    command = [str(RELEASE / "bin" / "sim_days"), "--from", str(first), "--seeds", str(seeds), "--minutes", str(minutes)]
    code, output, seconds = run(command, minutes * 60 + 120)
    last = output.splitlines()[-1] if output else ""
    done = re.match(r"(\d+) seeds", last)
    failed = len(set(re.findall(r"^seed (\d+) fails", output, re.M))) or int(code != 0 or not done)
    count.add("sim_days", int(done.group(1)) - failed if done else 0, failed, seconds, output)
    print(f"     {last}", flush=True)


def replay(count, program, corpus, env=None):
    code, output, seconds = run([str(program), str(corpus)], UNIT_SECONDS, env)
    count.add(f"corpus {corpus.name}", int(code == 0), int(code != 0), seconds, output)


def replays(build):
    for program in sorted((build / "bin").glob("replay_*")):
        yield program, ROOT / "tests" / "corpus" / program.name.removeprefix("replay_")


def scenarios():
    return sorted(p for p in (ROOT / "tests" / "scenarios").glob("[0-9][0-9]-*/run") if os.access(p, os.X_OK))


def scenario(count, path, long):
    most = SCENARIO_SECONDS_LONG.get(path.parent.name[:2], 4 * SCENARIO_SECONDS) if long else SCENARIO_SECONDS
    env = {"LETTERLOCK": str(RELEASE / "bin" / "letterlock"), "LETTERLOCK_LONG": "1" if long else "",
           "LETTERLOCK_SECONDS": str(most - SCENARIO_SECONDS_LEFT)}
    code, output, seconds = run([str(path)], most, env)
    checks = len(re.findall(r"^ok - ", output, re.M))
    broken = len(re.findall(r"^not ok - ", output, re.M))
    if code != 0 and broken == 0:
        broken = 1
    if checks + broken == 0:
        broken, output = 1, output + "\nno check ran"
    # What failed first: the end of what it printed is its servers' logs.
    failures = re.findall(r"^not ok - .*(?:\n#? .*){0,6}", output, re.M)
    if failures:
        output += "\n" + "\n".join(failures)
    count.add(f"scenario {path.parent.name}", checks, broken, seconds, output)


def usual(count, wanted, long, long_minutes):
    def want(name):
        return not wanted or any(word in name for word in wanted)

    if want("house"):
        code, output, seconds = run([sys.executable, str(ROOT / "tests" / "house" / "house.py")], 60)
        checks = len(re.findall(r"^ok - ", output, re.M))
        count.add("house", checks, len(re.findall(r"^not ok - ", output, re.M)) or int(code != 0), seconds, output)
    for pattern in ("test_floor*", "test_sim_*"):
        for program in sorted((RELEASE / "bin").glob(pattern)):
            if want(program.name):
                gtest(count, program)
    if want("sim_days"):
        days(count, False, 10)
        if long:
            days(count, True, long_minutes)
    for program, corpus in replays(RELEASE):
        if want(program.name):
            replay(count, program, corpus)
    for path in scenarios():
        if want(path.parent.name):
            scenario(count, path, long)


def build(preset, targets, count):
    for command in (["cmake", "--preset", preset], ["cmake", "--build", "--preset", preset, "-j2", "-t", *targets]):
        code, output, seconds = run(command, 5400)
        if code != 0:
            count.add(" ".join(command[:4]), 0, 1, seconds, output)
            return False
    return True


def sanitize(count, wanted):
    for preset, floors, more, env in (
        ("sanitize", range(7), ["test_sim_platform"], {"ASAN_OPTIONS": "detect_stack_use_after_return=1", "UBSAN_OPTIONS": "print_stacktrace=1"}),
        # RocksDB and libunbound are not built for the thread sanitizer: the floors that are without them.
        ("thread", (0, 1, 3), ["test_net"], {"TSAN_OPTIONS": "halt_on_error=1"}),
    ):
        if wanted and preset not in wanted:
            continue
        targets = [f"test_floor{floor}" for floor in floors] + more
        if not build(preset, targets, count):
            continue
        for name in targets:
            gtest(count, ROOT / "build" / preset / "bin" / name, env, f"{preset} {name}")


def side_by_side(count, jobs):
    """Runs jobs (name, command, seconds, is_bad), as many at once as there are cores, and counts them in their order."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        runs = [(name, is_bad, pool.submit(run, command, seconds)) for name, command, seconds, is_bad in jobs]
        for name, is_bad, started in runs:
            code, output, seconds = started.result()
            bad = is_bad(code, output)
            count.add(name, int(not bad), int(bad), seconds, output)


def fuzz(count, seconds_each):
    targets = [p.name.replace("replay_", "fuzz_") for p, _ in replays(RELEASE)]
    if not build("fuzz", targets, count):
        return
    jobs = []
    for target in targets:
        corpus = ROOT / "tests" / "corpus" / target.removeprefix("fuzz_")
        found = ROOT / "build" / "fuzz" / "found" / target
        found.mkdir(parents=True, exist_ok=True)
        command = [str(ROOT / "build" / "fuzz" / "bin" / target), f"-max_total_time={seconds_each}", "-timeout=10",
                   "-rss_limit_mb=2048", f"-artifact_prefix={found}/", str(found), str(corpus)]
        jobs.append((f"fuzz {target}", command, seconds_each + 120, lambda code, output: code != 0))
    side_by_side(count, jobs)


def lint(count, everything):
    if everything:
        listed = subprocess.run(["git", "ls-files", "src", "apps", "tests", "bench"], cwd=ROOT, capture_output=True, text=True).stdout
    else:
        listed = subprocess.run(["git", "diff", "--name-only", "--diff-filter=d", "HEAD~1"], cwd=ROOT, capture_output=True, text=True).stdout
    files = [f for f in listed.split() if f.endswith((".cc", ".h"))]
    code, output, seconds = run(["clang-format-19", "--dry-run", "-Werror", *files], 300) if files else (0, "", 0.0)
    count.add("clang-format", int(code == 0), int(code != 0), seconds, output)
    if not build("release", ["help"], count):
        return
    commands = {entry["file"]: entry for entry in json.loads((RELEASE / "compile_commands.json").read_text())}
    jobs = [(f"header {f}", header_alone(f, commands), 300, lambda code, output: code != 0)
            for f in files if f.endswith(".h")]
    jobs += [(f"clang-tidy {f}", ["clang-tidy-19", "--quiet", "-p", str(RELEASE), *fewer_checks(f), f], 900,
              lambda code, output: code != 0 or re.search(r"(warning|error):", output) is not None)
             for f in files if str(ROOT / f) in commands]
    side_by_side(count, jobs)


def fewer_checks(source):
    """The analyzer follows each way through a test's macros: minutes a file, to find what running the test finds. And a test
    may be slow where that makes it plain."""
    return ["--checks=-clang-analyzer-*,-performance-*"] if re.search(r"_(test|fuzz|bench)\.cc$|^(tests|bench)/", source) else []


def header_alone(header, commands):
    """Compiles a header by itself, as a source of its folder is compiled (or, if it has none, as any other)."""
    folder = str((ROOT / header).parent)
    example = next((c for f, c in commands.items() if str(Path(f).parent) == folder), next(iter(commands.values())))
    flags = [word for word in shlex.split(example["command"]) if word.startswith(("-I", "-D", "-std", "-f"))]
    for at, word in enumerate(words := shlex.split(example["command"])):
        if word == "-isystem":
            flags += [word, words[at + 1]]
    return ["clang++-19", *flags, f"-I{ROOT / 'tests'}", "-fsyntax-only", "-Werror", "-Wno-pragma-once-outside-header",
            "-x", "c++", str(ROOT / header)]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("names", nargs="*")
    options.add_argument("--long", action="store_true")
    options.add_argument("--sanitize", action="store_true")
    options.add_argument("--lint", action="store_true")
    options.add_argument("--all", action="store_true")
    options.add_argument("--fuzz-seconds", type=int, default=60)
    options.add_argument("--sim-minutes", type=int, default=60, help="for the simulator's days with --long: as many seeds as fit")
    given = options.parse_args()
    count = Count()
    if given.lint:
        lint(count, given.all)
    elif given.sanitize:
        sanitize(count, given.names)
    else:
        usual(count, given.names, given.long, given.sim_minutes)
        if given.long:
            fuzz(count, given.fuzz_seconds)
    print(f"{count.passed} passed, {count.failed} failed")
    return 1 if count.failed or not count.passed else 0


if __name__ == "__main__":
    sys.exit(main())
