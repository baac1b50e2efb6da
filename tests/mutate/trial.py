"""One fault tried: compiled, linked before the room's library, and the tests run over it."""
import hashlib
import json
import os
import re
import resource
import shlex
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from runner.compiling import words_of

COMPILE_SECONDS = 300
TEST_SECONDS_LEAST = 10  # a machine may be busy
MEMORY_MAX = 4 << 30


class Room:
    """How its sources are compiled and its test program is linked, from the build's own commands."""

    def __init__(self, root, build, name, test, pattern="*", seconds_least=TEST_SECONDS_LEAST):
        self.seconds_least = seconds_least
        self.root, self.build, self.name, self.test, self.pattern = Path(root), Path(build), name, test, pattern
        self.folder = self.root / "build" / "mutate"
        self._commands = None
        self._precompiled = {}
        self._seconds = None
        self._lock = threading.Lock()

    @property
    def program(self):
        return self.build / "bin" / self.test

    def check(self):
        shutil.rmtree(self.trials, ignore_errors=True)  # of a run that was cut
        if not self.program.exists():
            raise SystemExit(f"{self.program} isn't built: cmake --build {self.build} -t {self.test}")
        passed, seconds = run_tests(self.program, self.pattern, 600)
        if passed != "survived":
            raise SystemExit(f"{self.test} fails as it is")
        self._seconds = seconds

    @property
    def trials(self):
        return self.folder / f"{self.name}.trials"

    def digest(self):
        return hashlib.sha256(self.program.read_bytes() + self.pattern.encode()).hexdigest()

    @property
    def seconds(self):
        return max(self.seconds_least, 10 * self._seconds)

    def compile(self, file, changed, into):
        with self._lock:
            if self._commands is None:
                listed = json.loads((self.build / "compile_commands.json").read_text())
                self._commands = {entry["file"]: entry for entry in listed if "/test_" not in entry.get("output", "")}
        entry = self._commands[str(self.root / file)]
        words = words_of(entry["command"])
        cut = words.index("-o")
        words = [word for word in [*words[:cut], *words[cut + 2:]] if not word.startswith(("-O", "-g", "-W", "-D_FORTIFY"))]
        source = str(self.root / file)
        at = words.index("-c")
        flags = [word for word in [*words[:at], *words[at + 1:]] if word != source] + ["-O0", "-w"]
        return [*flags, *self._headers(file, flags, entry["directory"]), "-c", str(changed), "-o", str(into)], entry["directory"]

    def _headers(self, file, flags, where):
        """What the source includes, compiled once: most of the time goes there."""
        with self._lock:
            if file not in self._precompiled:
                text = (self.root / file).read_text()
                header = self.folder / (file.replace("/", "-") + ".h")
                header.write_text("".join(line + "\n" for line in text.splitlines() if line.startswith("#include")))
                into = header.with_suffix(".pch")
                made = done([*flags, "-x", "c++-header", str(header), "-o", str(into)], where)
                with_headers = ["-include-pch", str(into)] if made else []
                if not done([*flags, *with_headers, "-c", str(self.root / file), "-o", str(into.with_suffix(".o"))], where):
                    raise SystemExit(f"{file} doesn't compile as it stands: build {self.test} first")
                self._precompiled[file] = with_headers
            return self._precompiled[file]

    def link(self, changed, into):
        """The changed object first: the library's own of that name is then not needed."""
        with self._lock:
            said = subprocess.run(["ninja", "-C", str(self.build), "-t", "commands", self.test], capture_output=True, text=True, check=True)
        line = said.stdout.strip().splitlines()[-1]
        words = shlex.split(re.sub(r"^: && | && :$", "", line))
        at = words.index("-o")
        return [*words[:at], "-o", str(into), str(changed), *words[at + 2:]]


def run_tests(program, pattern, seconds):
    """'survived' if all pass, 'found' if one fails, 'timeout'; and how long it took."""
    began = time.monotonic()

    def limits():
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen([str(program), f"--gtest_filter={pattern}", "--gtest_brief=1", "--gtest_fail_fast"], cwd=folder,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", preexec_fn=limits,
                                   start_new_session=True)
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.communicate()
            return "timeout", time.monotonic() - began
    none = re.search(r"^\[==========\] 0 tests", output, re.M)
    return "survived" if process.returncode == 0 and not none else "found", time.monotonic() - began


class Trial:
    def __init__(self, room, mutant):
        self.room, self.mutant = room, mutant

    def run(self):
        """'refused' by the compiler, 'found', 'timeout' or 'survived'."""
        self.room.trials.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=self.room.trials))
        try:
            text = (self.room.root / self.mutant.file).read_text()
            if not self._build(folder, self.mutant.applied(text)):
                if not self._build(folder, text):
                    raise SystemExit(f"{self.mutant.file} doesn't build as it stands any more: somebody changed headers or tests; "
                                     f"build {self.room.test}, and begin again")
                return "refused"
            return run_tests(folder / "tests", self.room.pattern, self.room.seconds)[0]
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _build(self, folder, text):
        changed = folder / Path(self.mutant.file).name
        changed.write_text(text)
        command, where = self.room.compile(self.mutant.file, changed, folder / "changed.o")
        return done(command, where) and done(self.room.link(folder / "changed.o", folder / "tests"), self.room.build)


def done(command, where):
    try:
        return subprocess.run(command, cwd=where, capture_output=True, timeout=COMPILE_SECONDS).returncode == 0
    except subprocess.TimeoutExpired:
        return False


class Known:
    """What became of each, a line of JSON each; read again by the next run."""

    def __init__(self, path, digests, tests):
        self.path, self.digests, self.tests = Path(path), digests, tests
        self.lines = {}
        if self.path.exists():
            for line in self.path.read_text().splitlines():
                try:
                    one = json.loads(line)
                    self.lines[one["key"]] = one
                except (ValueError, KeyError):  # cut short
                    continue

    def outcome(self, mutant):
        """Nothing if it is to be tried: a survivor with other tests may be found."""
        one = self.lines.get(mutant.key(self.digests[mutant.file]))
        if one is None or one["outcome"] == "survived" and one["tests"] != self.tests:
            return None
        return one["outcome"]

    def add(self, mutant, outcome):
        one = {"key": mutant.key(self.digests[mutant.file]), "outcome": outcome, "tests": self.tests, "file": mutant.file,
               "line": mutant.line, "change": mutant.change}
        self.lines[one["key"]] = one
        self.path.parent.mkdir(parents=True, exist_ok=True)
        whole = not self.path.exists() or self.path.read_bytes()[-1:] in (b"", b"\n")
        with open(self.path, "a") as file:
            file.write(("" if whole else "\n") + json.dumps(one) + "\n")
