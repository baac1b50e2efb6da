"""The long run: all that ./test runs, and more of it; ten minutes of each fuzz target, 100,000 days, every scan.

It takes hours, so it may be cut anywhere and called again: what passed on this state of the tree is written in build/long/ and
not run again. At the end a table says what ran when, on which commit, and what is still to run.
"""
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from runner import fuzz as fuzzing
from runner.ledger import Ledger, git, state_of
from runner.process import ROOT
from runner.usual import DAYS, days, fuzz_targets, pieces, wanted

DAYS_LONG = 100_000
MANY_DAYS = "sim_days_long"


def long(count, given):
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the table comes then, too
    needs_release = any(wanted(name, given.names) for name in (MANY_DAYS, *(name for name, _ in pieces(True))))
    if needs_release and subprocess.run([str(ROOT / "tools" / "build"), "all"]).returncode != 0:
        count.add("build", 0, 1, 0.0, "the build failed")
        return
    accepted = git(ROOT, "rev-list", "--abbrev-commit", "--abbrev=12", f"{given.since}^..HEAD").split() if given.since else ()
    ledger = Ledger(ROOT / "build" / "long" / "ledger", state_of(ROOT), accepted, lambda: state_of(ROOT))
    try:
        for name, piece in pieces(True):
            if wanted(name, given.names):
                once(count, ledger, name, piece, given.again)
        if wanted(MANY_DAYS, given.names):
            many_days(count, ledger, given)
        fuzz(count, ledger, given)
    except KeyboardInterrupt:
        print("stopped", flush=True)
    table(ledger, given)


def once(count, ledger, name, piece, again):
    if ledger.is_done(name) and not again:
        print(f"done {name:<40} {ledger.here(name)[-1]['ended']}", flush=True)
        return
    passed, failed, began = count.passed, count.failed, time.monotonic()
    piece(count)
    ledger.add(name, count.passed - passed, count.failed - failed, time.monotonic() - began)


def many_days(count, ledger, given):
    """Goes on behind the last seed, for as long as is given it."""
    first = given.sim_from or ledger.next_seed(MANY_DAYS, DAYS + 1)
    if first > DAYS_LONG and not given.sim_from:
        print(f"done {MANY_DAYS}", flush=True)
        return
    passed, failed, began = count.passed, count.failed, time.monotonic()
    ran = days(count, first, max(DAYS_LONG - first + 1, 1), given.sim_minutes)
    ledger.add(MANY_DAYS, count.passed - passed, count.failed - failed, time.monotonic() - began, **{"from": first, "seeds": ran})


def fuzz(count, ledger, given):
    targets = [target for target in fuzz_targets() if wanted(f"fuzz_{target}", given.names)]
    due = [target for target in targets if given.again or not ledger.is_done(f"fuzz_{target}", given.fuzz_seconds)]
    if not due or not fuzzing.build_targets(count, due):
        return
    pool = ThreadPoolExecutor(given.jobs or os.cpu_count() or 1)
    try:
        for target, started in [(target, pool.submit(fuzzing.fuzz, target, given.fuzz_seconds)) for target in due]:
            passed, output, seconds, note = started.result()
            count.add(f"fuzz_{target}: {note}", int(passed), int(not passed), seconds, output)
            ledger.add(f"fuzz_{target}", int(passed), int(not passed), seconds, asked=given.fuzz_seconds, note=note)
    finally:
        pool.shutdown(cancel_futures=True)


def table(ledger, given):
    """All pieces, those that weren't asked for now too."""
    names = [name for name, _ in pieces(True)] + [MANY_DAYS] + [f"fuzz_{target}" for target in fuzz_targets()]
    to_run = 0
    print(f"\nThe long run on {ledger.state}\n{'piece':<44} {'result':<10} {'commit':<22} {'ended':<21} {'seconds':>8}  note")
    for name in names:
        last = ledger.here(name)[-1] if ledger.here(name) else ledger.last(name)
        asked = given.fuzz_seconds if name.startswith("fuzz_") else 0
        done = ledger.next_seed(name, DAYS + 1) > DAYS_LONG if name == MANY_DAYS else ledger.is_done(name, asked)
        to_run += not done
        if last is None:
            print(f"{name:<44} to run")
            continue
        result = "FAILED" if last["failed"] else "passed" if done else "to go on" if ledger.here(name) else "to run"
        note = last.get("note", f"seeds up to {ledger.next_seed(name, DAYS + 1) - 1:,}" if name == MANY_DAYS else "")
        print(f"{name:<44} {result:<10} {last['state']:<22} {last['ended']:<21} {last['seconds']:8.1f}  {note}")
    print(f"{len(names) - to_run} of {len(names)} pieces done on this state, {to_run} to run", flush=True)
