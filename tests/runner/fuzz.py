"""libFuzzer over each target, and the corpora kept small.

What a run comes upon lies in build/fuzz/found/TARGET: inputs that reach something new, and (crash-…, timeout-…) what failed.
"""
import re
import shutil

from runner.process import CORPORA, ROOT, build, run
from runner.usual import fuzz_targets, wanted

FOUND = ROOT / "build" / "fuzz" / "found"
INPUT_SECONDS_MAX = 10
MEMORY_MIB_MAX = 1024
CORPUS_OCTETS_MAX = 8 * 1024  # of an input that is taken into the corpus
FAILURES = ("crash-", "timeout-", "oom-", "leak-", "slow-unit-")


def program(target):
    return ROOT / "build" / "fuzz" / "bin" / f"fuzz_{target}"


def build_targets(count, targets):
    return build("fuzz", [f"fuzz_{target}" for target in targets], count)


def fuzz(target, seconds):
    """Whether it passed, what it printed, how long it took, and a few words on how far it came."""
    found = FOUND / target
    found.mkdir(parents=True, exist_ok=True)
    command = [str(program(target)), f"-max_total_time={seconds}", f"-timeout={INPUT_SECONDS_MAX}",
               f"-rss_limit_mb={MEMORY_MIB_MAX}", f"-artifact_prefix={found}/", "-print_final_stats=1", "-verbosity=1"]
    source = next(path for path in [*(ROOT / "src").glob("*/*_fuzz.cc"), *(ROOT / "apps").glob("*_fuzz.cc")]
                  if f"{path.parent.name}_{path.name}" == f"{target}_fuzz.cc")
    dictionary = source.with_suffix(".dict")
    if dictionary.exists():
        command.append(f"-dict={dictionary}")
    code, output, took = run([*command, str(found), str(CORPORA / target)], seconds + 120)
    runs = re.search(r"stat::number_of_executed_units: (\d+)", output)
    reached = re.findall(r"cov: (\d+) ft: (\d+)", output)
    note = f"{int(runs.group(1)):,} inputs" if runs else "ended early"
    if reached:
        note += f", {reached[-1][0]} edges"
    lines = [line for line in output.splitlines() if not re.match(r"#\d+\s+(NEW|REDUCE|pulse|RELOAD)|\tNEW_FUNC", line)]
    return code == 0, "\n".join(lines), took, note


def merge(count, parts):
    """Takes into the corpora what was found and reaches something that they don't."""
    targets = [target for target in fuzz_targets() if wanted(f"fuzz_{target}", parts)]
    if not build_targets(count, targets):
        return
    for target in targets:
        small = ROOT / "build" / "fuzz" / "small" / target
        shutil.rmtree(small, ignore_errors=True)
        small.mkdir(parents=True)
        for path in (FOUND / target).glob("*") if (FOUND / target).is_dir() else ():
            if path.stat().st_size <= CORPUS_OCTETS_MAX and not path.name.startswith(FAILURES):
                shutil.copyfile(path, small / path.name)
        before = len(list((CORPORA / target).iterdir()))
        code, output, seconds = run([str(program(target)), "-set_cover_merge=1", "-use_counters=0", str(CORPORA / target), str(small)], 1200)
        after = len(list((CORPORA / target).iterdir()))
        count.add(f"merge {target}: {before} -> {after} inputs", int(code == 0), int(code != 0), seconds, output)
