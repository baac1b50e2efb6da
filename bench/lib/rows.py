"""The rows of docs/performance.md: what each does with a server, and what is to be reached."""
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Callable

from servers import SERVERS, Sink

CONNECTIONS = 20
OUTSIDE = "cleo@modern.example"


@contextmanager
def before_a_sink(stage, authority, who, expected, warm=0, **options):
    """The server and the sink that it relays to, for so many messages; both are stopped at the end."""
    sink = Sink(stage, authority, expected, warm)
    server = SERVERS[who](stage, authority, relay_to=sink.port, **options)
    try:
        yield server, sink
    finally:
        server.stop()
        sink.stop()


def accept(tls, per_connection, messages):
    """Mail is taken and stays: the price of taking it alone."""
    def measure(stage, authority, who, quick):
        count = 60 if quick else messages
        server = SERVERS[who](stage, authority, kept=True)
        try:
            server.load(tls, connections=CONNECTIONS, messages=CONNECTIONS, per_connection=per_connection)  # all is warm
            before = server.cpu_seconds()
            rate = server.load(tls, connections=CONNECTIONS, messages=count, per_connection=per_connection)
            return {"us": (server.cpu_seconds() - before) / count * 1e6, "per_second": rate}
        finally:
            server.stop()
    return measure


def relay(messages):
    """In over TLS, out over TLS, connections kept on both sides; until the sink has the last one and the server rests."""
    def measure(stage, authority, who, quick):
        count = 60 if quick else messages
        warm = CONNECTIONS
        with before_a_sink(stage, authority, who, count, warm, submission=True) as (server, sink):
            server.load("starttls", connections=CONNECTIONS, messages=warm, to=OUTSIDE)
            sink.wait("warm")
            settle(server)
            before = server.cpu_seconds()
            server.load("starttls", connections=CONNECTIONS, messages=count, per_connection=100, to=OUTSIDE)
            seconds = sink.seconds()
            settle(server)
            return {"us": (server.cpu_seconds() - before) / count * 1e6, "per_second": count / max(seconds, 0.001)}
    return measure


def big(messages):
    """Messages of 25 MB, one connection after the other's message, through to the sink."""
    def measure(stage, authority, who, quick):
        count, octets = (2, 1_000_000) if quick else (messages, 25_000_000)
        with before_a_sink(stage, authority, who, count, 1, submission=True) as (server, sink):
            server.load("starttls", connections=1, messages=1, to=OUTSIDE)
            sink.wait("warm")
            settle(server)
            before, memory = server.cpu_seconds(), server.memory_octets()
            server.load("starttls", connections=4, messages=count, octets=octets, per_connection=100, to=OUTSIDE)
            seconds = sink.seconds()
            settle(server)
            return {"ms": (server.cpu_seconds() - before) / count * 1e3, "per_second": count / max(seconds, 0.001),
                    "grown_MB": (server.memory_octets() - memory) / 1e6}
    return measure


def queued(messages, what):
    """So many wait for a host that isn't there yet; then `what` is measured."""
    def measure(stage, authority, who, quick):
        count = 60 if quick else messages
        with before_a_sink(stage, authority, who, count, kept=True, submission=True) as (server, sink):
            server.load("starttls", connections=CONNECTIONS, messages=count, per_connection=1000, to=OUTSIDE)
            settle(server)
            return what(server, sink, count)
    return measure


def flush(server, sink, count):
    """Started again, all of it goes out over TLS."""
    server.go_on()
    return {"per_second": count / max(sink.seconds(), 0.001), "us": server.cpu_seconds() / count * 1e6}


def listing(server, sink, count):
    began = time.monotonic()
    lines = server.list_queue()
    seconds = time.monotonic() - began
    if lines < count:
        raise RuntimeError(f"{lines} lines for {count} messages")
    time.sleep(3)  # what it costs that they wait, not that they came
    return {"s": seconds, "MB": server.memory_octets() / 1e6}


def many(messages):
    """A node that finds so many in its queue: from the start of the process to the first delivery."""
    def measure(stage, authority, who, quick):
        count = 1500 if quick else messages
        with before_a_sink(stage, authority, who, 1, kept=True) as (server, sink):
            server.fill(count)
            if quick and who == "ours" and server.list_queue() < count:
                raise RuntimeError("the queue isn't listed whole")
            began = time.monotonic()
            server.go_on()
            sink.wait("messages=")
            seconds = time.monotonic() - began
            time.sleep(3)  # memory once it works
            return {"s": seconds, "MB": server.memory_octets() / 1e6}
    return measure


def idle(sessions, peer_sessions):
    """What one TLS session costs that only stands there after EHLO."""
    def measure(stage, authority, who, quick):
        count = 20 if quick else peer_sessions if who == "peer" else sessions  # a process each, there
        server = SERVERS[who](stage, authority)
        try:
            server.load("starttls", connections=1, messages=1)
            settle(server)
            before = server.memory_octets()
            load = server.begin_load("starttls", connections=count, idle="yes")
            if load.stdout.readline().strip() != "idle":
                raise RuntimeError("the sessions were refused: " + server.log())
            time.sleep(3)  # until they only stand there
            used = server.memory_octets() - before
            load.communicate()
            return {"KiB": used / count / 1024}
        finally:
            server.stop()
    return measure


def settle(server):
    """What is still written after the last message is part of the price."""
    last = server.cpu_seconds()
    for _ in range(30):
        time.sleep(0.1)
        now = server.cpu_seconds()
        if now - last < 0.002:
            return
        last = now


@dataclass
class Row:
    name: str
    measure: Callable
    limit: str
    of_bare: str = "-"
    unit: str = "us"
    more_is_better: bool = False
    is_quick: bool = True
    whom: tuple = field(default=("ours", "peer", "bare"))


ROWS = [
    Row("accept-tls-kept", accept("starttls", 100, 4000), "10", "1.6", is_quick=False),
    Row("accept-tls-fresh", accept("starttls", 1, 1500), "4", "1.3"),
    Row("accept-clear", accept("none", 1, 3000), "7", "1.6", is_quick=False),
    Row("relay-tls", relay(3000), "7", "1.6"),
    Row("big-25MB", big(8), "2", unit="ms", whom=("ours", "peer"), is_quick=False),
    Row("flush-10000", queued(10_000, flush), "10", unit="per_second", more_is_better=True, whom=("ours", "peer"), is_quick=False),
    Row("list-10000", queued(10_000, listing), "0.1s,50MB", unit="s", whom=("ours", "peer"), is_quick=False),
    Row("start-1000000", many(1_000_000), "2s,80MB", unit="s", whom=("ours", "peer")),
    Row("idle-session", idle(1000, 80), "20KiB", unit="KiB", whom=("ours", "peer", "bare"), is_quick=False),
]
