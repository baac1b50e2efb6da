#!/usr/bin/env python3
"""The runner's own parts: what it may take as passed, the clock that it shows, the bare system that it makes."""
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from runner.clock import environment, seconds_ahead  # noqa: E402
from runner.fresh import Unable, check_able, inside, mirrors, plan, settings  # noqa: E402
from runner.ledger import Ledger  # noqa: E402
from runner.compiling import words_of  # noqa: E402
from runner.lint import included  # noqa: E402
from runner.memory import STATES_MAX, Memory  # noqa: E402

failed = 0


def check(name, condition, told=""):
    global failed
    failed += not condition
    print(f"{'ok' if condition else 'not ok'} - {name}")
    if not condition and told:
        print(f"# {told}")


def compile_commands():
    words = words_of("env A=b ccache /usr/bin/clang++-19 -O2 -Winvalid-pch -Xclang -include-pch -Xclang /b/x.pch -Xclang -include -Xclang /b/x.hxx "
                     "-Xclang -fno-pch-timestamp -o a.o -c a.cc")
    check("compiling: without launchers and what is precompiled",
          words == "/usr/bin/clang++-19 -O2 -Xclang -fno-pch-timestamp -o a.o -c a.cc".split(), words)


def lint_memory(folder):
    (folder / "a.cc").write_text("one")
    (folder / "a.h").write_text("header")

    def fresh():  # as the next run sees it
        return Memory(folder / "lint", folder)

    first = fresh()
    check("lint: nothing is known at first", not first.knows("tidy a.cc", ["v1"]))
    first.remember("tidy a.cc", ["v1"], first.read([folder / "a.cc", folder / "a.h", "/etc/passwd"]))
    check("lint: what passed is known", fresh().knows("tidy a.cc", ["v1"]))
    check("lint: not with another tool", not fresh().knows("tidy a.cc", ["v2"]))
    check("lint: not another check", not fresh().knows("tidy b.cc", ["v1"]))
    (folder / "a.h").write_text("headeR")
    check("lint: not with another header", not fresh().knows("tidy a.cc", ["v1"]))
    second = fresh()
    second.remember("tidy a.cc", ["v1"], second.read([folder / "a.cc", folder / "a.h"]))
    (folder / "a.h").write_text("header")
    check("lint: known again once the header is as it was", fresh().knows("tidy a.cc", ["v1"]))
    (folder / "a.h").unlink()
    check("lint: not without the header", not fresh().knows("tidy a.cc", ["v1"]))

    third = fresh()
    read = third.read([folder / "a.cc"])
    (folder / "a.cc").write_text("changed while it ran")
    third.remember("tidy c.cc", ["v1"], read)
    check("lint: what changed while it ran isn't remembered", not fresh().knows("tidy c.cc", ["v1"]))
    for turn in range(STATES_MAX + 1):
        (folder / "a.cc").write_text(f"turn {turn}")
        memory = fresh()
        memory.remember("tidy d.cc", ["v1"], memory.read([folder / "a.cc"]))
    (folder / "a.cc").write_text("turn 0")
    check("lint: the oldest of many contents is forgotten", not fresh().knows("tidy d.cc", ["v1"]))
    for path in (folder / "lint").iterdir():
        path.write_bytes(path.read_bytes()[:20])
    (folder / "a.cc").write_text(f"turn {STATES_MAX}")
    check("lint: a file that was cut short is no memory", not fresh().knows("tidy d.cc", ["v1"]))
    check("lint: includes are read from make's form",
          included("a.o: /x/a.cc \\\n  /x/b\\ c.h /usr/d.h\n") == ["/x/a.cc", "/x/b c.h", "/usr/d.h"])


def ledger(folder):
    path = folder / "long" / "ledger"
    first = Ledger(path, "aaa")
    first.add("floor0", 7, 0, 1.0)
    first.add("floor1", 6, 1, 1.0)
    first.add("fuzz_x", 1, 0, 60.0, asked=60)
    again = Ledger(path, "aaa")
    check("long: what passed is done", again.is_done("floor0"))
    check("long: what failed is not", not again.is_done("floor1"))
    check("long: what never ran is not", not again.is_done("floor2"))
    check("long: a minute of fuzzing isn't ten", again.is_done("fuzz_x", 60) and not again.is_done("fuzz_x", 600))
    check("long: nothing is done on another commit", not Ledger(path, "bbb").is_done("floor0"))
    check("long: unless its commit is said to count", Ledger(path, "bbb", ["aaa"]).is_done("floor0"))
    again.add("floor0", 6, 1, 1.0)
    check("long: the last run decides", not again.is_done("floor0"))

    moved = Ledger(path, "aaa", now=lambda: "bbb")
    moved.add("floor5", 7, 0, 1.0)
    check("long: what ran while the tree changed is done on neither", not moved.is_done("floor5")
          and not Ledger(path, "aaa").is_done("floor5") and not Ledger(path, "bbb").is_done("floor5"))

    again.add("days", 50, 0, 1.0, **{"from": 101, "seeds": 50})
    check("long: the days go on behind the last seed", again.next_seed("days", 101) == 151)
    again.add("days", 50, 0, 1.0, **{"from": 200, "seeds": 50})
    check("long: a gap between seeds isn't passed over", again.next_seed("days", 101) == 151)
    again.add("days", 49, 0, 1.0, **{"from": 151, "seeds": 49})
    check("long: a gap that was filled is", again.next_seed("days", 101) == 250)
    with open(path, "a") as file:
        file.write('{"piece": "floor3", "sta')
    cut = Ledger(path, "aaa")
    check("long: a line that was cut short counts for nothing", not cut.is_done("floor3") and cut.next_seed("days", 101) == 250)
    cut.add("floor4", 1, 0, 1.0)
    check("long: and spoils none behind it", Ledger(path, "aaa").is_done("floor4"))


def clock(folder):
    check("clock: days and hours", seconds_ahead("+365d") == 31_536_000 and seconds_ahead("-2h") == -7200)
    check("clock: nothing else", all(seconds_ahead(text) is None for text in ("", "365d", "+d", "+1y", "+1d ", "+1.5d")))
    shim = folder / "ahead.so"
    source = Path(__file__).resolve().parent.parent / "clock" / "ahead.cc"
    subprocess.run(["clang++-19", "-std=c++23", "-shared", "-fPIC", "-o", shim, source], check=True)
    said = subprocess.run([sys.executable, "-c", "import time; print(time.time())"], env={**os.environ, **environment("+365d", shim)},
                          capture_output=True, text=True)
    check("clock: a program sees another day", abs(float(said.stdout or 0) - time.time() - 31_536_000) < 60)
    date = subprocess.run(["openssl", "version"], env={**os.environ, **environment("+365d", shim)}, capture_output=True, text=True)
    check("clock: and runs as ever", date.returncode == 0)


TARGETS = """Origin: Debian
Created-By: Packages
Component: main
Release: bookworm-updates
Repo-URI: http://mirror.example/debian/

Origin: Debian
Created-By: Packages
Component: main
Release: bookworm
Repo-URI: http://mirror.example/debian/
Signed-By: /keys/debian.gpg

Origin: Debian
Created-By: Translations
Component: main
Release: bookworm
Repo-URI: http://mirror.example/debian/

Origin: Debian
Created-By: Packages
Component: contrib
Release: bookworm
Repo-URI: http://mirror.example/debian/
Signed-By: /keys/debian.gpg

Origin: Somebody
Created-By: Packages
Component: main
Release: bookworm
Repo-URI: http://somebody.example/

Origin: Debian
Created-By: Packages
Component: main
Release: trixie
Repo-URI: http://mirror.example/debian/
"""


def unable(user, which):
    try:
        check_able(user, which)
    except Unable as error:
        return str(error)
    return ""


def fresh(folder):
    check("fresh: the machine's own mirrors of this release, the main one first",
          mirrors(TARGETS) == [("http://mirror.example/debian/", "bookworm", ["contrib", "main"], "/keys/debian.gpg"),
                               ("http://mirror.example/debian/", "bookworm-updates", ["main"], "")], mirrors(TARGETS))
    dump = 'Acquire::http::Proxy "http://proxy.example:3128";\nAcquire::https::CaInfo "/ca.pem";\nAcquire::Check-Valid-Until "false";\n' \
           'Acquire::http::Proxy "";\nAPT::Update::Post-Invoke:: "rm";\nAcquire::IndexTargets::deb::Packages::MetaKey "x";\nDir::Cache "";'
    check("fresh: of its settings how a mirror is reached and judged", settings(dump) == dump.splitlines()[:3], settings(dump))
    check("fresh: only as root", "root" in unable(1000, lambda tool: tool) and not unable(0, lambda tool: tool))
    check("fresh: what is missing is named", "debootstrap" in unable(0, lambda tool: None if tool == "debootstrap" else tool))
    check("fresh: the two commands, in their order", [command for _, command in plan("test")] == ["./run --once", "./test"]
          and [command for _, command in plan("run")] == ["./run --once"] and plan("base") == []
          and plan("test", "+365d")[-1][1] == "./test --clock +365d")
    if os.geteuid() == 0:
        killed(folder)


def killed(folder):
    """A step that is killed in its midst leaves no process and no mount."""
    root, mark = folder / "root", folder / "mark"
    for name in ("proc", "sys", "dev/pts", "dev/shm", "run", "../shared"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (folder / "shared/file").touch()
    command = inside(root, [(folder / "shared", "/all")], "", {})
    command[-1] = command[-1].replace("exec chroot .", f"echo > {mark}; exec sleep 300; exec chroot .")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    for _ in range(100):
        if mark.exists() or process.poll() is not None:
            break
        time.sleep(0.05)
    if not mark.exists() and b"ermitted" in process.stderr.read():
        return  # a machine that lets nobody mount
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.wait()
    for _ in range(100):
        if not any(Path(f"/proc/{child}").exists() for child in children):
            break
        time.sleep(0.05)
    check("fresh: killed, it leaves no process", children and not any(Path(f"/proc/{child}").exists() for child in children), children)
    check("fresh: and no mount", str(root) not in Path("/proc/self/mounts").read_text() and not list((root / "all").iterdir()))


with tempfile.TemporaryDirectory() as name:
    clock(Path(name))
    fresh(Path(name).resolve())
    lint_memory(Path(name))
    compile_commands()
    ledger(Path(name))
sys.exit(1 if failed else 0)
