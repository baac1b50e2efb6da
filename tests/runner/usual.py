"""What ./test runs: house rules, unit tests, the simulator, corpora with a moment of fuzzing, scenarios with real peers."""
import os
import re
import sys

from runner.process import CORPORA, RELEASE, ROOT, run

UNIT_SECONDS = 300
HOUSE_SECONDS = 60
SCENARIO_SECONDS = 240
SCENARIO_SECONDS_LONG = {"40": 3600, "42": 1800, "43": 1800}  # every crash point; the others four times the usual
SCENARIO_SECONDS_LEFT = 20  # in which a scenario ends what it started
DAYS = 1_000  # seeds of the simulator
DAYS_MINUTES = 10
MUTATE_SECONDS = 2  # of each fuzz target


def pieces(long=False):
    """What there is to run, in its order: name, and a function that runs it and counts it."""
    listed = [("house", house), ("runner", runner), ("mutate", mutate)]
    for pattern in ("test_floor*", "test_sim_*"):
        listed += [(program.name, lambda count, program=program: gtest(count, program, long_environment(program) if long else None))
                   for program in sorted((RELEASE / "bin").glob(pattern))]
    listed.append(("sim_days", lambda count: days(count, 1, DAYS, DAYS_MINUTES)))
    listed += [(f"replay_{target}", lambda count, target=target: replay(count, target)) for target in fuzz_targets()]
    listed += [(f"scenario {path.parent.name}", lambda count, path=path: scenario(count, path, long)) for path in scenarios()]
    return listed


def long_environment(program):
    """What makes a test program do all of what it usually does a part of."""
    return {"LETTERLOCK_ALL_TOPOLOGIES": "1"} if program.name == "test_sim_platform" else None


def wanted(name, parts):
    return not parts or any(part in name for part in parts)


def usual(count, parts):
    for name, piece in pieces():
        if wanted(name, parts):
            piece(count)


def fuzz_targets():
    """ROOM_name of each src/ROOM/name_fuzz.cc."""
    found = [*(ROOT / "src").glob("*/*_fuzz.cc"), *(ROOT / "apps").glob("*_fuzz.cc")]
    return sorted(f"{path.parent.name}_{path.name.removesuffix('_fuzz.cc')}" for path in found)


def scenarios():
    return sorted(p for p in (ROOT / "tests" / "scenarios").glob("[0-9][0-9]-*/run") if os.access(p, os.X_OK))


def checked(count, name, command, seconds, env=None):
    """A program that says 'ok - …' and 'not ok - …'."""
    code, output, took = run(command, seconds, env)
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
    count.add(name, checks, broken, took, output)


def house(count):
    checked(count, "house", [sys.executable, str(ROOT / "tests" / "house" / "house.py")], HOUSE_SECONDS)


def runner(count):
    checked(count, "runner", [sys.executable, str(ROOT / "tests" / "runner" / "runner_test.py")], HOUSE_SECONDS)


def mutate(count):
    checked(count, "mutate", [sys.executable, str(ROOT / "tests" / "mutate" / "mutate_test.py")], HOUSE_SECONDS)


def scenario(count, path, long):
    most = SCENARIO_SECONDS_LONG.get(path.parent.name[:2], 4 * SCENARIO_SECONDS) if long else SCENARIO_SECONDS
    env = {"LETTERLOCK": str(RELEASE / "bin" / "letterlock"), "LETTERLOCK_LONG": "1" if long else "",
           "LETTERLOCK_SECONDS": str(most - SCENARIO_SECONDS_LEFT)}
    checked(count, f"scenario {path.parent.name}", [str(path)], most, env)


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


def days(count, first, seeds, minutes):
    """Days of the whole platform in the simulator, one a seed, as many as fit. Gives back how many were run."""
    command = [str(RELEASE / "bin" / "sim_days"), "--from", str(first), "--seeds", str(seeds), "--minutes", str(minutes)]
    code, output, seconds = run(command, minutes * 60 + 120)
    done = re.search(r"^(\d+) seeds from .*$", output, re.M)
    failed = len(set(re.findall(r"^seed (\d+) fails", output, re.M))) or int(code != 0 or not done)
    ran = int(done.group(1)) if done else 0
    count.add("sim_days", max(ran - failed, 0), failed, seconds, output)
    if done:
        print(f"     {done.group()}", flush=True)
    return ran


def replay(count, target):
    """The corpus of a fuzz target, and what comes of changing it at random for a moment."""
    keep = ROOT / "build" / "found" / target
    code, output, seconds = run([str(RELEASE / "bin" / f"replay_{target}"), "--mutate", str(MUTATE_SECONDS), "--keep", str(keep),
                                 str(CORPORA / target)], UNIT_SECONDS)
    count.add(f"corpus {target}", int(code == 0), int(code != 0), seconds, output)
