"""The two commands on a bare Debian 12: made by debootstrap in a folder, git in it, this checkout's commit cloned into it.

The package mirror and its settings are those of this machine's own apt. The base system is made once and kept; so are the packages.
Each step runs in a mount and a process namespace of its own, whose first process dies with this one: however this ends, no process
and no mount is left. What lies in build/fresh/system afterwards is files alone, for looking at; the next run makes it anew.
"""
import fcntl
import os
import re
import shlex
import shutil
import subprocess
import threading
import time
from pathlib import Path

from runner.ledger import git
from runner.process import ROOT

SUITE = "bookworm"
FRESH = ROOT / "build" / "fresh"
STEPS = ("base", "configure", "run", "test")
STEP_SECONDS = 3 * 3600
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
TOOLS = {"debootstrap": "debootstrap", "unshare": "util-linux", "setpriv": "util-linux", "apt-get": "apt", "git": "git", "tar": "tar"}
# In namespaces of its own, whose processes end when this one does.
ALONE = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Unable(Exception):
    """This machine can't; in one sentence."""


def fresh(count, given):
    try:
        check_able(os.geteuid(), shutil.which)
        FRESH.mkdir(parents=True, exist_ok=True)
        with open(FRESH / "lock", "w") as lock:
            take(lock)
            Fresh(count, given.until or STEPS[-1], given.ccache, given.clock).all()
    except Unable as error:
        count.add("fresh", 0, 1, 0.0, f"./test --fresh: {error}")


def check_able(user, which):
    if user != 0:
        raise Unable("be root: it makes a system in a folder and mounts /proc, /dev and /sys in it")
    for tool, package in TOOLS.items():
        if which(tool) is None:
            raise Unable(f"{tool} is missing: tools/install fresh brings it (package {package})")


def take(lock):
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Unable("another one is running in this checkout") from error


def mirrors(targets):
    """Sources of this suite, from `apt-get indextargets`: (address, release, components, keyring or nothing), the main one first."""
    found = {}
    for block in targets.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if fields.get("Origin") != "Debian" or fields.get("Created-By") != "Packages" or not fields.get("Release", "").startswith(SUITE):
            continue
        key = fields["Repo-URI"], fields["Release"]
        found.setdefault(key, (set(), fields.get("Signed-By", "")))[0].add(fields["Component"])
    sources = [(address, release, sorted(components), keyring) for (address, release), (components, keyring) in found.items()]
    return sorted(sources, key=lambda source: source[1])


def settings(dump):
    """What apt's settings say on how to reach and judge a mirror, from `apt-config dump`."""
    wanted = re.compile(r"Acquire::(http|https|ftp|Retries|Check-Valid-Until|Check-Date|ForceIPv4|ForceIPv6|Max-ValidTime)\b.* \"[^\"]", re.I)
    return [line for line in dump.splitlines() if wanted.match(line)]


def files_of(lines):
    """Files that settings or sources name: keyrings, certificates, keys."""
    return [name for line in lines for name in re.findall(r"/[\w./+-]+", line) if os.path.isfile(name)]


def said_by(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C"}).stdout


def inside(system, binds, command, env):
    """The command that runs another one within the system: all that it mounts and starts ends with it, and it with this process."""
    lines = ["set -e", f"cd {shlex.quote(str(system))}", "mount -t proc proc proc", "mount --rbind /sys sys", "mount --bind /dev dev",
             "mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts dev/pts", "mount -t tmpfs -o mode=1777 tmpfs dev/shm",
             "mount -t tmpfs -o mode=0755 tmpfs run"]
    for place, within in binds:
        at = shlex.quote("." + str(within))
        lines += [f"mkdir -p {at}", f"mount --bind {shlex.quote(str(place))} {at}"]
    words = " ".join(shlex.quote(f"{name}={value}") for name, value in env.items())
    lines += [f"exec chroot . env -i {words} bash -ec {shlex.quote(command)}"]
    return [*ALONE, "bash", "-c", "\n".join(lines)]


def plan(until, seconds_ahead=""):
    """The steps up to one: name, and what is run in the checkout."""
    test = "./test" + (f" --clock {seconds_ahead}" if seconds_ahead else "")
    if until == "base":
        return []
    if until == "configure":
        return [("tools/install build", "tools/install build"), ("configuring", "cmake --preset release"),
                ("tools/install test", "tools/install test")]
    steps = [("./run --once", "./run --once"), (test, test)]
    return steps[: STEPS.index(until) - 1]


class Fresh:
    def __init__(self, count, until, ccache, clock):
        self.count, self.until, self.clock = count, until, clock
        self.system, self.logs = FRESH / "system", FRESH / "log"
        self.base = FRESH / f"base-{SUITE}.tar"
        # The checkout lies where it lies here: a compiler cache that knows this place serves that one.
        self.checkout = str(ROOT)
        self.env = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive",
                    **{name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}}
        self.binds = [(FRESH / "packages", "/var/cache/apt/archives")]
        if ccache:
            self.binds.append((Path(ccache).resolve(), "/var/cache/compiler"))
            self.env["CCACHE_DIR"] = "/var/cache/compiler"
            if not Path(ccache).is_dir():
                raise Unable(f"{ccache} is no folder")

    def all(self):
        for folder in (FRESH / "packages" / "partial", self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        if not self.base.exists() and not self.make_base():
            return
        self.unpack()
        if not self.clone():
            return
        for name, command in plan(self.until, self.clock):
            if not self.step(name, f"cd {shlex.quote(self.checkout)} && {command}"):
                return

    def make_base(self):
        sources = mirrors(said_by("apt-get", "indextargets"))
        if not sources or sources[0][1] != SUITE:
            raise Unable(f"this machine's apt knows no mirror with Debian's {SUITE}: see apt-get indextargets")
        wanted = settings(said_by("apt-config", "dump"))
        empty(self.system)
        keyring = sources[0][3] if os.path.isfile(sources[0][3]) else KEYRING
        packages = FRESH / "packages"
        made = self.run("debootstrap", [*ALONE, "debootstrap", "--variant=minbase", f"--cache-dir={packages}", f"--keyring={keyring}",
                                        SUITE, str(self.system), sources[0][0]])
        if not made:
            print(f"     no base system: is the mirror reached? Its words are in {self.logs}/debootstrap", flush=True)
            return False
        (self.system / "etc/apt/sources.list").write_text("".join(
            f"deb {f'[signed-by={key}] ' if key else ''}{address} {release} {' '.join(parts)}\n" for address, release, parts, key in sources))
        (self.system / "etc/apt/apt.conf.d/90machine").write_text("\n".join(wanted) + "\n")
        for name in {*files_of(wanted), *files_of(source[3] for source in sources), *more_files()}:
            place = self.system / name.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(name, place)
        if not self.step("git in it", "apt-get update -q && apt-get install -y -q --no-install-recommends git"):
            return False
        partial = self.base.with_suffix(".partial")
        subprocess.run(["tar", "-C", self.system, "--one-file-system", "-cf", partial, "."], check=True)
        partial.rename(self.base)
        return True

    def unpack(self):
        empty(self.system)
        subprocess.run(["tar", "-C", self.system, "-xf", self.base], check=True)
        for name in ("/etc/resolv.conf", "/etc/hosts"):
            if os.path.exists(name):
                shutil.copy(name, self.system / name.lstrip("/"))

    def clone(self):
        if git(ROOT, "status", "--porcelain").strip():
            print("     what isn't committed isn't in it", flush=True)
        subprocess.run(["git", "bundle", "create", "-q", self.system / "root/checkout", "HEAD"], cwd=ROOT, check=True)
        return self.step("git clone", f"git -c advice.detachedHead=false clone -q /root/checkout {shlex.quote(self.checkout)}")

    def step(self, name, command):
        return self.run(name, inside(self.system, self.binds, command, self.env))

    def run(self, name, command):
        began = time.monotonic()
        log = self.logs / (re.sub(r"\W+", "-", name).strip("-") or "step")
        with open(log, "w") as file:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                       errors="replace")
            late = threading.Timer(STEP_SECONDS, process.kill)
            late.start()
            try:
                for line in process.stdout:
                    file.write(line)
                    file.flush()
                    print(f"     | {line.rstrip()}", flush=True)
                code = process.wait()
            finally:
                late.cancel()
                process.kill()
                process.wait()
        self.count.add(f"fresh: {name}", int(code == 0), int(code != 0), time.monotonic() - began,
                       f"exit code {code}; the whole of it is in {log}")
        return code == 0


def more_files():
    """The authorities that this machine trusts, own ones too, and what apt needs to sign in."""
    listed = ["/etc/ssl/certs/ca-certificates.crt"]
    for folder in ("/etc/apt/auth.conf.d", "/etc/apt/trusted.gpg.d", "/usr/local/share/ca-certificates"):
        listed += [str(path) for path in Path(folder).glob("*")]
    return [name for name in listed if os.path.isfile(name)]


def empty(folder):
    """Removes what an earlier run left, and makes the folder anew."""
    if str(folder) in Path("/proc/self/mounts").read_text():
        raise Unable(f"something is mounted below {folder}: unmount it first")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    folder.chmod(0o755)
