#!/usr/bin/env python3
"""The tool that plants faults: which ones it makes, and what it says of those that a small program's tests find or don't."""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from mutate.mutants import mutants  # noqa: E402
from mutate.trial import Known, Room, Trial  # noqa: E402

failed = 0


def check(name, condition, told=""):
    global failed
    failed += not condition
    print(f"{'ok' if condition else 'not ok'} - {name}")
    if not condition and told:
        print(f"# {told}")


HEADER = """enum class Level { clear, encrypted, mutual };
struct Asked {
  int level = 0;
  int version = 0;
  bool sealed = false;
};
namespace status {
inline constexpr Status not_offered{5, 7, 4};
inline constexpr Status not_verified{5, 7, 5};
}  // namespace status
"""

SOURCE = """#include <vector>  // a < b
// if (a < b) return;
int asked(const Asked& ask, std::vector<int>& list) {
  if (ask.level > 7 && !ask.sealed) return ask.version;
  const std::string text = "a < b && c";
  list.push_back(3);
  switch (of(ask)) {
    case Level::clear:
      return count(Level::encrypted) ? 1 : 2;
    case Level::mutual:
      break;
    default:
      break;
  }
  ASSERT(false && "never");
  return fails(status::not_offered);
}
"""


def made(source, header=HEADER):
    return {(mutant.line, mutant.kind, mutant.change) for mutant in mutants("a.cc", source, [header])}


def which_are_made():
    all_made = made(SOURCE)
    wanted = [(4, "operator", "> -> >="), (4, "operator", "> -> <="), (4, "operator", "&& -> ||"), (4, "condition", "! -> nothing"),
              (4, "constant", "7 -> 8"), (4, "constant", "7 -> 6"), (4, "name", "level -> version"), (4, "name", "version -> level"),
              (4, "condition", "ask.level > 7 && !ask.sealed -> true"), (4, "condition", "ask.level > 7 && !ask.sealed -> false"),
              (4, "return", "ask.version -> {}"), (6, "statement", "list.push_back(3) -> nothing"), (9, "name", "encrypted -> mutual"),
              (9, "condition", "count(Level::encrypted) -> !(count(Level::encrypted))"), (11, "statement", "break -> nothing"),
              (16, "name", "not_offered -> not_verified")]
    for one in wanted:
        check(f"made: {one[2]}", one in all_made, sorted(all_made))
    lines = {line for line, _, _ in all_made}
    check("none in a comment, a directive, a text, a label, an assertion", not lines & {1, 2, 5, 8, 10, 15}, sorted(all_made))
    check("nor of the last break of a switch", 13 not in lines, sorted(all_made))
    check("nor what a default is already", made("Level f() { return Level::clear; }") == {(1, "name", "clear -> encrypted")},
          made("Level f() { return Level::clear; }"))
    check("a type's brackets are no comparison", not any(line == 3 for line in lines), sorted(all_made))
    check("a declaration isn't dropped", not any(change.startswith("const std") for _, _, change in all_made))
    one = next(mutant for mutant in mutants("a.cc", SOURCE, [HEADER]) if mutant.change == "7 -> 8")
    check("only that octet changes", one.applied(SOURCE) == SOURCE.replace("> 7", "> 8"))
    check("they are the same each time", mutants("a.cc", SOURCE, [HEADER]) == mutants("a.cc", SOURCE, [HEADER]))


TOY = """bool is_small(int value) {
  return value < 10;
}
int spin(int value) {
  int steps = 0;
  while (value > 0) {
    --value;
    ++steps;
  }
  return steps;
}
"""
TESTS = """bool is_small(int value);
int spin(int value);
int main() { return is_small(3) && !is_small(20) && spin(2) == 2 ? 0 : 1; }
"""
BETTER = TESTS.replace("!is_small(20)", "!is_small(10) && is_small(9) && spin(0) == 0")


def toy(root, tests):
    """A room of one source, built as ninja would have it."""
    (root / "src/toy").mkdir(parents=True, exist_ok=True)
    build = root / "build/release"
    (build / "bin").mkdir(parents=True, exist_ok=True)
    (root / "src/toy/toy.cc").write_text(TOY)
    (root / "src/toy/toy_test.cc").write_text(tests)
    flags = f"clang++-19 -O2 -g1 -o toy.o -c {root}/src/toy/toy.cc"
    (build / "compile_commands.json").write_text(json.dumps([{"file": f"{root}/src/toy/toy.cc", "directory": str(build), "command": flags}]))
    (build / "build.ninja").write_text(f"""rule run
  command = $what
build toy.o: run {root}/src/toy/toy.cc
  what = {flags}
build libtoy.a: run toy.o
  what = llvm-ar-19 qc libtoy.a toy.o
build test.o: run {root}/src/toy/toy_test.cc
  what = clang++-19 -o test.o -c {root}/src/toy/toy_test.cc
build bin/test_toy: run test.o libtoy.a
  what = : && clang++-19 -O2 test.o -o bin/test_toy libtoy.a && :
build test_toy: phony bin/test_toy
""")
    subprocess.run(["ninja", "-C", str(build), "test_toy"], check=True, capture_output=True)
    room = Room(root, build, "toy", "test_toy", seconds_least=2)
    room.check()
    return room


def what_is_found(root):
    room = toy(root, TESTS)
    all_made = mutants("src/toy/toy.cc", TOY)
    digests = {"src/toy/toy.cc": "d"}
    known = Known(root / "known.jsonl", digests, room.digest())
    outcomes = {}
    for mutant in all_made:
        outcome = Trial(room, mutant).run() if mutant.change != "> -> <=" else "found"  # that one would not end for minutes
        known.add(mutant, outcome)
        outcomes[mutant.line, mutant.change] = outcome
    check("a wrong comparison is found", outcomes[2, "< -> >="] == "found", outcomes)
    check("a limit that no test meets survives", outcomes[2, "< -> <="] == outcomes[2, "10 -> 11"] == "survived", outcomes)
    check("a condition that never holds is found", outcomes[6, "value > 0 -> false"] == "found", outcomes)
    check("what doesn't end is found by the time", outcomes[7, "--value -> nothing"] in ("timeout", "found"), outcomes)
    check("the source is as it was, and nothing lies about", (root / "src/toy/toy.cc").read_text() == TOY
          and not list(room.trials.iterdir()))
    limit = next(mutant for mutant in all_made if mutant.change == "< -> <=")
    wrong = next(mutant for mutant in all_made if mutant.change == "< -> >=")
    again = Known(root / "known.jsonl", digests, room.digest())
    check("known the next time", again.outcome(limit) == "survived" and again.outcome(wrong) == "found")
    check("not with another source", Known(root / "known.jsonl", {"src/toy/toy.cc": "e"}, room.digest()).outcome(wrong) is None)
    better = toy(root, BETTER)
    again = Known(root / "known.jsonl", digests, better.digest())
    check("a survivor is tried again with other tests, what was found isn't", again.outcome(limit) is None and again.outcome(wrong) == "found")
    check("and a better test finds it", Trial(better, limit).run() == "found")


which_are_made()
with tempfile.TemporaryDirectory() as name:
    what_is_found(Path(name).resolve())
sys.exit(1 if failed else 0)
