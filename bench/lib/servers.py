"""The three servers, started alike: `ours`, `peer` (Postfix from .peers/) and `bare`. Each has `port`, `tree`, `load()` and
`stop()`. All keep a message on the disk (synced) before they answer 250, log one line or more for each at their usual
level, have the same ECDSA P-256 certificate, and take any number of sessions from one address."""
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from harness import PEERS, ROOT, can_connect, free_port, wait_for
from letterlock import PASSWORD, Letterlock
from measure import Tree
from postfix import Postfix

BIN = ROOT / "build/release/bin"
HOST = "mx.acorn.example"
# Copies of a queue file, in the folders that their names' first digit says.
FILL = """
import os, sys
octets = open(sys.argv[1], "rb").read()
os.setgroups([])
os.setgid(int(sys.argv[5]))
os.setuid(int(sys.argv[4]))
for digit in "0123456789ABCDEF":
    os.makedirs(f"{sys.argv[2]}/{digit}", mode=0o700, exist_ok=True)
for number in range(int(sys.argv[3])):
    file = os.open(f"{sys.argv[2]}/{number % 16:X}/{number % 16:X}{number:09X}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700)
    os.write(file, octets)
    os.close(file)
"""
numbers = {}


def unused(name):
    numbers[name] = numbers.get(name, 0) + 1
    return f"{name}{numbers[name]}"


class Server:
    """`kept`: what is taken stays; nothing is delivered. `relay_to`: a port that all mail is given to, over TLS."""

    def cpu_seconds(self):
        return self.tree.cpu_seconds()

    def memory_octets(self):
        return self.tree.memory_octets()

    def load_words(self, tls):
        return ["--port", self.port, "--tls", tls]

    def begin_load(self, tls, **options):
        words = [BIN / "bench_load", *self.load_words(tls)]
        for key, value in options.items():
            words += [f"--{key.replace('_', '-')}", value]
        return subprocess.Popen([str(word) for word in words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def load(self, tls, **options):
        """Messages a second, as those who gave them saw it."""
        process = self.begin_load(tls, **options)
        said, _ = process.communicate(timeout=300)
        if process.returncode:
            raise RuntimeError(f"the load failed: {said} {self.log()}"[-4000:])
        return float(re.search(r"rate=(\d+)", said).group(1))

    def stop(self):
        self.stage.stop(self.process, seconds=30)
        self.tree.close()


class Ours(Server):
    def __init__(self, stage, authority, kept=False, relay_to=None, submission=False, data=None):
        self.stage, self.submission = stage, submission
        settings = {"log": {"level": "info"}, "limits": {"sessions_per_address": 20000, "message_size": "64MiB"},
                    "store": {"reserve": "64MiB", "cache": "32MiB"}, "queue": {"deliver": not kept, "retry": ["1m"]}}
        if relay_to:
            settings["relay"] = {"smart_host": f"127.0.0.1:{relay_to}", "connection_idle": "10s"}
        name = unused("ours")
        self.node = Letterlock(stage, authority, name=name, settings=settings, start=False)
        self.start()
        if data is None:
            self.node.people("acorn", "acorn.example", "bob", *(f"user{n}" for n in range(20) if submission))
            self.node.cli("tenant", "set", "acorn", "--per-hour", "100000", "--per-day", "1000000")
        self.port = self.node.ports["submissions" if submission else "mx"]

    def start(self):
        self.tree = Tree()
        with self.tree:
            self.node.start()
        self.process = self.tree_root = self.node.process
        self.tree.root = self.process.pid

    def go_on(self):
        """What was kept goes its way."""
        self.stop()
        self.node.sections["queue"]["deliver"] = True
        self.node.write_config()
        self.start()

    def list_queue(self):
        return self.node.cli("queue", "list", "--count", "1000000").count("\n")

    def fill(self, count):
        """Messages to the outside, written into the stopped store."""
        tenant = self.node.json("tenant", "show", "acorn")["id"]
        self.stop()
        store = self.node.data / "store"
        owner = store.stat()
        done = subprocess.run([BIN / "bench_fill", "--store", store, "--tenant", tenant, "--count", str(count), "--domain",
                               "modern.example"], capture_output=True, text=True, user=owner.st_uid, group=owner.st_gid)
        if done.returncode:
            raise RuntimeError(f"filling the store: {done.stderr}")
        self.start()

    def load_words(self, tls):
        if not self.submission:
            return super().load_words(tls)
        return ["--port", self.port, "--tls", "implicit", "--from", "userN@acorn.example", "--user",
                "userN@acorn.example", "--password", PASSWORD]

    def log(self):
        return self.node.log()


class Peer(Server):
    """Postfix 3.7 from Debian with what it is delivered with, but for the number of its processes and of the connections
    from one address."""

    def __init__(self, stage, authority, kept=False, relay_to=None, submission=False):
        chain, key = authority.issue(HOST)
        settings = {"smtpd_tls_security_level": "may", "smtpd_tls_cert_file": chain, "smtpd_tls_key_file": key,
                    "smtpd_tls_loglevel": "0", "smtp_tls_loglevel": "0", "smtpd_client_connection_count_limit": "0",
                    "queue_run_delay": "300s", "minimal_backoff_time": "300s", "maximal_backoff_time": "4000s",
                    "default_process_limit": "100"}
        if kept and relay_to:
            settings["defer_transports"] = "smtp"
        elif kept:
            settings["smtpd_recipient_restrictions"] = "check_recipient_access static:HOLD, permit_mynetworks, reject"
        if relay_to:
            settings.update({"relayhost": f"[127.0.0.1]:{relay_to}", "smtp_tls_security_level": "encrypt",
                             "smtp_tls_connection_reuse": "yes", "smtp_connection_cache_destinations": f"[127.0.0.1]:{relay_to}"})
        self.stage, self.port = stage, free_port()
        self.tree = Tree()
        with self.tree:
            self.postfix = Postfix(stage, unused("peer"), HOST, "127.0.0.1", self.port, {"acorn.example": ["bob"]}, settings)
        self.process = self.postfix.process
        self.tree.root = self.process.pid

    def fill(self, count):
        """Its queue files written directly, as copies of one that it wrote: it takes an hour to take so many. It is stopped
        after it. The copies have names of their own and no log of what deferred them, which it does without."""
        self.load("starttls", connections=1, messages=1, to="cleo@modern.example")
        deferred = self.postfix.base / "queue/deferred"
        if not wait_for(20, lambda: any(path.is_file() for path in deferred.rglob("*"))):
            raise RuntimeError("the peer defers nothing: " + self.log())
        self.stage.stop(self.process, seconds=30)
        one = next(path for path in deferred.rglob("*") if path.is_file())
        owner = one.stat()
        subprocess.run([sys.executable, "-c", FILL, one, deferred, str(count - 1), str(owner.st_uid), str(owner.st_gid)], check=True)

    def go_on(self):
        main = self.postfix.base / "etc/main.cf"
        main.write_text(main.read_text().replace("defer_transports = smtp", "defer_transports ="))
        if self.process.poll() is not None:  # filled
            with self.tree:
                self.process = self.postfix.start()
            self.tree.root = self.process.pid
            return
        self.process.send_signal(signal.SIGHUP)
        # What its queue manager had in hand when it read the new setting is deferred once more: asked for twice.
        for wait in (3, 2):
            time.sleep(wait)
            self.command("postqueue", "-f")

    def list_queue(self):
        return self.command("postqueue", "-p").count("\n")

    def command(self, name, *words):
        return subprocess.run([PEERS / "usr/sbin" / name, "-c", self.postfix.base / "etc", *words], check=True, text=True,
                              capture_output=True, env={**os.environ, **self.postfix.environment()}).stdout

    def log(self):
        return self.postfix.log()[-4000:]


class Bare(Server):
    def __init__(self, stage, authority, kept=False, relay_to=None, submission=False):
        self.stage, self.port = stage, free_port()
        chain, key = authority.issue(HOST)
        name = unused("bare")
        words = [BIN / "bench_bare", "--port", self.port, "--data", stage.path(f"{name}-data"), "--chain", chain, "--key", key]
        if relay_to:
            words += ["--relay", relay_to]
        self.tree = Tree()
        with self.tree:
            self.process = stage.start(name, words)
        self.tree.root = self.process.pid
        if not wait_for(10, lambda: can_connect("127.0.0.1", self.port)):
            raise RuntimeError("the bare server doesn't start")

    def log(self):
        return self.process.log.read_text()


SERVERS = {"ours": Ours, "peer": Peer, "bare": Bare}


class Sink:
    """Takes what is relayed, over STARTTLS. The first `warm` messages don't count."""

    def __init__(self, stage, authority, expect, warm=0):
        self.stage, self.port = stage, free_port()
        chain, key = authority.issue("sink.example")
        self.process = stage.start(unused("sink"), [BIN / "bench_sink", "--port", self.port, "--expect", expect, "--warm", warm,
                                                    "--chain", chain, "--key", key])
        self.wait_for_port()

    def wait_for_port(self):
        if not wait_for(10, lambda: can_connect("127.0.0.1", self.port)):
            raise RuntimeError("the sink doesn't start")

    def wait(self, word, seconds=120):
        if not wait_for(seconds, lambda: word in self.process.log.read_text(), step=0.01):
            raise RuntimeError("not all messages came out: " + self.process.log.read_text())

    def seconds(self):
        """From the first message to the last, once that has come."""
        self.wait("seconds=")
        return float(re.search(r"seconds=([\d.]+)", self.process.log.read_text()).group(1))

    def stop(self):
        self.stage.stop(self.process)
