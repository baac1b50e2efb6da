"""The rows of docs/performance.md: what each does with a server, and what is to be reached."""
from dataclasses import dataclass, field
from typing import Callable

from servers import SERVERS, Sink

CONNECTIONS = 20


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
        sink = Sink(stage, authority, count, warm)
        server = SERVERS[who](stage, authority, relay_to=sink.port, submission=True)
        try:
            server.load("starttls", connections=CONNECTIONS, messages=warm, to="cleo@modern.example")
            sink.wait("warm")
            settle(server)
            before = server.cpu_seconds()
            server.load("starttls", connections=CONNECTIONS, messages=count, per_connection=100, to="cleo@modern.example")
            seconds = sink.seconds()
            settle(server)
            return {"us": (server.cpu_seconds() - before) / count * 1e6, "per_second": count / max(seconds, 0.001)}
        finally:
            server.stop()
            sink.stop()
    return measure


def settle(server):
    """What is still written after the last message is part of the price."""
    import time
    last = server.cpu_seconds()
    for _ in range(50):
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
    Row("accept-tls-kept", accept("starttls", 100, 4000), "10", "1.6"),
    Row("accept-tls-fresh", accept("starttls", 1, 1500), "4", "1.3"),
    Row("accept-clear", accept("none", 1, 3000), "7", "1.6"),
    Row("relay-tls", relay(3000), "7", "1.6"),
]
