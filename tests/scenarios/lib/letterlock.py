"""The real binary: its configuration, its process, and its command line."""
import json
import os
import re
from pathlib import Path

from harness import ROOT, can_connect, free_port, run, wait_for

BINARY = Path(os.environ.get("LETTERLOCK") or ROOT / "build/release/bin/letterlock")
PASSWORD = "correct horse 7 battery"
KINDS = ("mx", "submission", "submissions", "pop3", "pop3s")


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(one) for one in value) + "]"
    return json.dumps(value if isinstance(value, (int, bool)) else str(value))


class Letterlock:
    """One node on 127.0.0.1. `settings`: {"relay": {"port": 2525}} over what is usual here."""

    def __init__(self, stage, authority, name="node", host="mx.acorn.example", settings=None, start=True, data=None):
        self.stage, self.name, self.host, self.authority = stage, name, host, authority
        self.ports = {kind: free_port() for kind in KINDS}
        self.data = data or stage.path(f"{name}-data")
        self.data.mkdir(mode=0o700)
        os.chown(self.data, *(2 * (65534 if os.geteuid() == 0 else -1,)))
        chain, key = authority.issue(host)
        self.sections = {
            "site": {"name": "dublin", "node": "dublin-1", "host_name": host, "data": self.data, "user": "nobody", "threads": 2},
            "store": {"reserve": "64MiB", "cache": "8MiB"},
            "relay": {"allow_addresses": ["127.0.0.0/8"], "ipv6": False, "connect_timeout": "5s", "connection_idle": "1s"},
            "queue": {"retry": ["1s", "1s", "2s"]}, "log": {"level": "debug"}}
        for section, keys in (settings or {}).items():
            self.sections.setdefault(section, {}).update(keys)
        self.certificate = {"names": [host], "chain": chain, "key": key}
        self.config = self.write_config()
        self.process = None
        self.env = {}  # of each start
        self.log_from = 0
        if start:
            self.start()

    def config_text(self):
        lines = []
        for section, keys in self.sections.items():
            lines += [f"[{section}]", *(f"{key} = {toml(value)}" for key, value in keys.items()), ""]
        for kind, port in self.ports.items():
            lines += ["[[listener]]", f'kind = "{kind}"', f'address = "127.0.0.1:{port}"', ""]
        lines += ["[[certificate]]", *(f"{key} = {toml(value)}" for key, value in self.certificate.items())]
        return "\n".join(lines) + "\n"

    def write_config(self):
        return self.stage.path(f"{self.name}.toml", self.config_text())

    def start(self, command=None, env=None, inherit=()):
        if not self.begin(command, env, inherit):
            raise RuntimeError(f"letterlock doesn't start: {self.log()}")

    def launch(self, command=None, env=None, inherit=()):
        """Starts it, and waits for nothing."""
        log = self.stage.path(f"{self.name}.log")
        self.log_from = log.stat().st_size if log.exists() else 0
        self.process = self.stage.start(self.name, command or [BINARY, "serve", "--config", self.config],
                                        env={**self.env, **(env or {})}, inherit=inherit)

    def begin(self, command=None, env=None, inherit=()):
        """Starts it; whether it came so far as to be ready."""
        self.launch(command, env, inherit)

        def ready():
            return self.process.poll() is not None or "node.ready" in self.log()

        return bool(wait_for(30, ready, 0.02)) and self.process.poll() is None

    def stop(self):
        return self.stage.stop(self.process, seconds=20)

    def log(self):
        """What it has said since its last start."""
        with open(self.process.log, errors="replace") as log:
            log.seek(self.log_from)
            return log.read()

    def logged(self, pattern, seconds=10):
        return wait_for(seconds, lambda: re.search(pattern, self.log()))

    def answers(self):
        return self.process.poll() is None and all(can_connect("127.0.0.1", port) for port in self.ports.values())

    def memory_peak(self):
        """VmHWM in octets."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024

    # ---- the command line ----

    def call(self, *words, stdin=None):
        """Exit status and everything said."""
        status, out, err = run([BINARY, *words, "--config", self.config], stdin=stdin)
        return status, out + err

    def cli(self, *words, stdin=None, fine=True):
        status, said = self.call(*words, stdin=stdin)
        if fine and status != 0:
            raise RuntimeError(f"letterlock {' '.join(words)}: {said}")
        return said

    def json(self, *words):
        return json.loads(self.cli(*words, "--json"))

    def rows(self, *words):
        answer = self.json(*words)
        return answer.get("rows", []) if isinstance(answer, dict) else answer

    def people(self, tenant, domain, *users):
        """A tenant, its domain, accounts that all have the same password."""
        self.cli("tenant", "add", tenant)
        self.cli("domain", "add", domain, "--tenant", tenant)
        for user in users:
            self.cli("account", "add", f"{user}@{domain}", stdin=PASSWORD + "\n")

    def queue(self):
        return self.rows("queue", "list")

    def wait_for_queue(self, fits, seconds=15):
        """Until the rows of the queue fit; gives back the last ones."""
        last = []

        def look():
            last[:] = self.queue()
            return fits(last)

        wait_for(seconds, look, step=0.2)
        return list(last)

    def trace(self, trace_id):
        return self.json("trace", trace_id)

    def wait_for_trace(self, trace_id, fits, seconds=15):
        """Until the trace's JSON fits; gives back the last one."""
        last = {}

        def look():
            last.clear()
            last.update(self.trace(trace_id))
            return fits(last)

        wait_for(seconds, look, step=0.2)
        return dict(last)


def hops(trace, kind, outcome=None):
    return [hop for hop in trace.get("hops", []) if hop["kind"] == kind and outcome in (None, hop["outcome"])]


def levels(trace, kind, outcome="completed"):
    return [hop["protection"]["level"] for hop in hops(trace, kind, outcome)]


def trace_in(reply):
    """The trace id that the reply after DATA says."""
    text = reply.decode(errors="replace") if isinstance(reply, bytes) else str(reply)
    found = re.search(r"trace ([0-9A-Z]{26})", text)
    return found.group(1) if found else ""
