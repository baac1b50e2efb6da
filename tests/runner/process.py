"""Running a program within its time, and counting what passed."""
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
RELEASE = ROOT / "build" / "release"
CORPORA = ROOT / "tests" / "corpus"
BUILD_SECONDS = 5400


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
    except BaseException:  # stopped by hand: nothing of ours goes on alone
        os.killpg(process.pid, 9)
        raise
    return code, output, time.monotonic() - began


def build(preset, targets, count):
    for command in (["cmake", "--preset", preset], ["cmake", "--build", "--preset", preset, "-j2", "-t", *targets]):
        code, output, seconds = run(command, BUILD_SECONDS)
        if code != 0:
            count.add(" ".join(command[:4]), 0, 1, seconds, output)
            return False
    return True


def side_by_side(count, jobs):
    """Runs jobs (name, a function that gives whether it passed, its output and its seconds), as many at once as there are
    cores, and counts them in their order."""
    pool = ThreadPoolExecutor(os.cpu_count() or 1)
    try:
        for name, started in [(name, pool.submit(job)) for name, job in jobs]:
            passed, output, seconds = started.result()
            count.add(name, int(passed), int(not passed), seconds, output)
    finally:
        pool.shutdown(cancel_futures=True)
