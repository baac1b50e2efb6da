"""The unit tests under address, undefined behaviour and thread sanitizers."""
from runner.process import ROOT, build
from runner.usual import gtest

KINDS = (
    ("sanitize", range(7), ["test_sim_platform"], {"ASAN_OPTIONS": "detect_stack_use_after_return=1", "UBSAN_OPTIONS": "print_stacktrace=1"}),
    # RocksDB and libunbound are not built for the thread sanitizer: the floors that are without them.
    ("thread", (0, 1, 3), ["test_net"], {"TSAN_OPTIONS": "halt_on_error=1"}),
)


def sanitize(count, wanted):
    for preset, floors, more, env in KINDS:
        if wanted and preset not in wanted:
            continue
        targets = [f"test_floor{floor}" for floor in floors] + more
        if not build(preset, targets, count):
            continue
        for name in targets:
            gtest(count, ROOT / "build" / preset / "bin" / name, env, f"{preset} {name}")
