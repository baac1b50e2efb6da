"""The linters: clang-format, each header alone, clang-tidy; over what the last commit changed, or over all.

What has passed is remembered (memory.py), so that a second run over all takes seconds.
"""
import json
import re
import shlex
import subprocess
import tempfile
from pathlib import Path

from runner.compiling import words_of
from runner.memory import Memory
from runner.process import RELEASE, ROOT, build, run, side_by_side

TIDY_SECONDS = 900
HEADER_SECONDS = 300
FOLDER = ROOT / "build" / "lint"


def lint(count, everything):
    files = sources(everything)
    code, output, seconds = run(["clang-format-19", "--dry-run", "-Werror", *files], 300) if files else (0, "", 0.0)
    count.add("clang-format", int(code == 0), int(code != 0), seconds, output)
    if not build("release", ["help"], count):
        return
    commands = plain_commands(FOLDER / "commands")
    memory = Memory(FOLDER, ROOT)
    checks = [HeaderAlone(f, commands) for f in files if f.endswith(".h")]
    checks += [Tidy(f, commands) for f in files if str(ROOT / f) in commands]
    new = [check for check in checks if not memory.knows(check.name, check.key)]
    if len(new) < len(checks):
        count.add("lint, from memory", len(checks) - len(new), 0, 0.0)
    side_by_side(count, [(check.name, lambda check=check: fresh(check, memory)) for check in new])
    print(f"lint: {len(checks) - len(new)} of {len(checks)} from memory (build/lint), {len(new)} run", flush=True)


def plain_commands(folder):
    """The build's commands by file, without what is precompiled; also in this folder, where clang-tidy looks for them."""
    listed = json.loads((RELEASE / "compile_commands.json").read_text())
    for entry in listed:
        entry["command"] = shlex.join(words_of(entry["command"]))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "compile_commands.json").write_text(json.dumps(listed))
    return {entry["file"]: entry for entry in listed}


def fresh(check, memory):
    """Runs a check, and remembers it if it passed and no file that it read has changed meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        listing = Path(folder) / "includes"
        code, output, listing_seconds = run(check.listing(listing), HEADER_SECONDS)
        if code != 0 or not listing.exists():
            return False, output, listing_seconds
        read = memory.read([*included(listing.read_text()), *check.settings])
    if check.command is None:
        code, seconds = 0, 0.0
    else:
        code, output, seconds = run(check.command, TIDY_SECONDS)
    passed = code == 0 and re.search(r"(warning|error):", output) is None
    if passed:
        memory.remember(check.name, check.key, read)
    return passed, output, listing_seconds + seconds


def included(listing):
    """The files that a listing in make's form names, the source itself first."""
    _, _, names = listing.replace("\\\n", " ").partition(": ")
    return [name.replace("\\ ", " ") for name in re.split(r"(?<!\\)\s+", names.strip()) if name]


class Tidy:
    def __init__(self, source, commands):
        self.name = f"clang-tidy {source}"
        self.settings = [str(ROOT / ".clang-tidy")]
        self.command = ["clang-tidy-19", "--quiet", "-p", str(FOLDER / "commands"), *fewer_checks(source), source]
        self._compile = commands[str(ROOT / source)]["command"]
        self.key = [tool_version("clang-tidy-19"), self.command, self._compile]

    def listing(self, into):
        words = shlex.split(self._compile)
        cut = words.index("-o")
        return [*words[:cut], *words[cut + 2:], "-M", "-MF", str(into)]


class HeaderAlone:
    """Compiles a header by itself, as a source of its folder is compiled (or, if it has none, as any other)."""

    def __init__(self, header, commands):
        self.name = f"header {header}"
        self.settings = []
        self.command = None  # the compiler lists what it includes while it compiles
        folder = str((ROOT / header).parent)
        example = next((c for f, c in commands.items() if str(Path(f).parent) == folder), next(iter(commands.values())))
        words = shlex.split(example["command"])
        flags = [word for word in words if word.startswith(("-I", "-D", "-std", "-f"))]
        flags += [part for at, word in enumerate(words) if word == "-isystem" for part in (word, words[at + 1])]
        self._compile = ["clang++-19", *flags, f"-I{ROOT / 'tests'}", "-fsyntax-only", "-Werror",
                         "-Wno-pragma-once-outside-header", "-x", "c++", str(ROOT / header)]
        self.key = [tool_version("clang++-19"), self._compile]

    def listing(self, into):
        return [*self._compile, "-MD", "-MF", str(into)]


def sources(everything):
    what = ["ls-files", "src", "apps", "tests", "bench"] if everything else ["diff", "--name-only", "--diff-filter=d", "HEAD~1"]
    listed = subprocess.run(["git", *what], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [f for f in listed.split() if f.endswith((".cc", ".h"))]


def fewer_checks(source):
    """The analyzer follows each way through a test's macros: minutes a file, to find what running the test finds. And a test
    may be slow where that makes it plain."""
    return ["--checks=-clang-analyzer-*,-performance-*"] if re.search(r"_(test|fuzz|bench)\.cc$|^(tests|bench)/", source) else []


def tool_version(tool, known={}):
    if tool not in known:
        known[tool] = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout
    return known[tool]
