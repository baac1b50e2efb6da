"""What every scenario stands on: a folder and ports of its own, processes that end with it, and checks that are counted.

A scenario is `with Stage() as stage: …`. Whatever happens inside (a failure, an interrupt, too much time), the processes it
started are stopped by their ids, its mounts are undone and the folder is removed; if it is killed, a watcher beside it does so
(watcher.py). LETTERLOCK_KEEP=1 keeps the folder.
"""
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PEERS = ROOT / ".peers"
LONG = bool(os.environ.get("LETTERLOCK_LONG"))
# Less than the runner's, so that the stage is left in order.
SECONDS_MAX = int(os.environ.get("LETTERLOCK_SECONDS") or (3600 if LONG else 220))

failed = 0
taken_ports = set()


def check(name, condition, detail=""):
    """One counted line. `detail` is shown only when the condition doesn't hold. Returns the condition as a bool."""
    global failed
    if condition:
        print(f"ok - {name}", flush=True)
        return True
    failed += 1
    print(f"not ok - {name}", flush=True)
    for line in str(detail).splitlines()[-40:]:
        print(f"  # {line}", flush=True)
    return False


def every(facts):
    """Whether all hold, and there is one at least: where nothing was seen nothing is shown."""
    facts = list(facts)
    return bool(facts) and all(facts)


def wait_for(seconds, probe, step=0.05):
    """Asks `probe` until it answers something true, at most so long; gives back its last answer."""
    end = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(step)


def can_connect(address, port):
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False


def free_port():
    """Below the range that outgoing connections take theirs from, and free on every loopback address."""
    while True:
        port = random.randint(20000, 30000)
        if port in taken_ports:
            continue
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind(("0.0.0.0", port))
        except OSError:
            continue
        taken_ports.add(port)
        return port


class Stage:
    """The folder, the processes, and what is to be shown of them when a check failed."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="letterlock-scenario-"))
        self.folder.chmod(0o755)  # the servers leave root and must get through
        self.undo = []  # at the end, the last first
        self.logs = []
        self.watcher = subprocess.Popen([sys.executable, Path(__file__).with_name("watcher.py")], stdin=subprocess.PIPE,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True, start_new_session=True, cwd="/")
        if not os.environ.get("LETTERLOCK_KEEP"):
            self.tell_watcher("folder", self.folder)

    def tell_watcher(self, what, value):
        self.watcher.stdin.write(f"{what} {value}\n")
        self.watcher.stdin.flush()

    def path(self, name, text=None, mode=0o644):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is not None:
            path.write_text(text)
            path.chmod(mode)
        return path

    def start(self, name, command, env=None, own_group=False, inherit=()):
        """A process whose output goes to NAME.log. With its own group, the whole group is stopped with it. `inherit`: descriptors."""
        log = self.path(f"{name}.log")
        with open(log, "ab") as output:
            process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                       env={**os.environ, **(env or {})}, start_new_session=own_group,
                                       pass_fds=tuple(inherit))
        self.tell_watcher("session" if own_group else "process", process.pid)
        process.log = log
        process.own_group = own_group
        self.note_process(process)
        self.watch(log)
        return process

    def note_process(self, process):
        """Stopped at the end."""
        self.undo.append(lambda: self.stop(process))

    def watch(self, log):
        if log not in self.logs:
            self.logs.append(log)

    def stop(self, process, seconds=5):
        """SIGTERM, and SIGKILL for what doesn't go. Gives back the exit status."""
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process.own_group:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return process.returncode

    # ---- mounts ----

    def mount(self, name, *words):
        """`mount WORDS… FOLDER`; gives back the folder. RuntimeError with mount's own words where this machine doesn't let one."""
        folder = self.path(name)
        folder.mkdir(exist_ok=True)
        status, out, err = run(["mount", *words, folder])
        if status:
            raise RuntimeError(f"mount: {out}{err}".strip())
        self.note_mount(folder)
        return folder

    def note_mount(self, folder):
        """Undone at the end, whoever mounted it."""
        self.undo.append(lambda: self.unmount(folder))
        self.tell_watcher("mount", folder)

    def unmount(self, folder):
        """Waits for who still holds it, a little; at last it goes with him."""
        if not os.path.ismount(folder):
            return
        if not wait_for(5, lambda: run(["umount", folder])[0] == 0, 0.1):
            run(["umount", "--lazy", folder])

    def show_logs(self):
        for log in self.logs:
            if log.exists():
                print(f"  # ---- {log.name}")
                for line in log.read_text(errors="replace").splitlines()[-40:]:
                    print(f"  # {line}")

    def __enter__(self):
        def ended(number, _):
            raise TimeoutError(f"over {SECONDS_MAX} s") if number == signal.SIGALRM else SystemExit(128 + number)

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
            signal.signal(number, ended)
        signal.alarm(SECONDS_MAX)
        return self

    def __exit__(self, kind, error, trace):
        signal.alarm(0)
        if kind is not None and kind is not SystemExit:
            check("the scenario runs to its end", False, "".join(traceback.format_exception(kind, error, trace)))
        if failed:
            self.show_logs()
        for one in reversed(self.undo):
            one()
        if os.environ.get("LETTERLOCK_KEEP"):
            print(f"  # kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        sys.stdout.flush()
        os._exit(1 if failed or kind is not None else 0)  # whatever threads of the scenario still wait


def run(command, stdin=None, seconds=30, env=None):
    """A command to its end: exit status, standard output, standard error. 124 if it took too long."""
    try:
        done = subprocess.run([str(word) for word in command], input=stdin, capture_output=True, text=True, errors="replace",
                              timeout=seconds, env={**os.environ, **(env or {})})
    except subprocess.TimeoutExpired as error:
        return 124, str(error.stdout or ""), f"stopped after {seconds} s: {error.stderr or ''}"
    return done.returncode, done.stdout, done.stderr
