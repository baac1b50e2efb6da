"""Thousands of connections in one process, from as many loopback addresses as it takes."""
import errno
import resource
import select
import socket
import time

PER_ADDRESS = 40  # less than a node lets in from one


def descriptors_for(wanted):
    """How many connections this process can hold; its limit is raised as far as that goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < wanted + 500:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted + 500, wanted + 500))
            return wanted
        except (ValueError, OSError):
            pass
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # The node needs as many, and some more.
    return min(wanted, hard - 2600)


class Crowd:
    """`count` connections to a port, from `sources` in turn, or from ten addresses of each network under `networks` ("127.20")."""

    def __init__(self, port, count, sources=None, networks="127.8"):
        self.wires, self.ended, self.heard = [], set(), {}
        self.poll = select.poll()
        self.by_number = {}
        for at in range(count):
            if sources:
                source = sources[at % len(sources)]
            else:
                place = at // PER_ADDRESS
                source = f"{networks}.{place // 10}.{place % 10 + 1}"
            wire = socket.socket()
            wire.bind((source, 0))
            wire.setblocking(False)
            answer = wire.connect_ex(("127.0.0.1", port))
            if answer not in (0, errno.EINPROGRESS):
                wire.close()
                raise OSError(answer, f"connecting from {source}")
            self.wires.append(wire)
            self.by_number[wire.fileno()] = wire
            self.heard[wire] = b""
            self.poll.register(wire, select.POLLIN)
            if at % 500 == 499:
                time.sleep(0.05)  # the listener's queue has an end

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for wire in self.wires:
            wire.close()

    def look(self, seconds):
        """Reads what has come, for at most so long or until nothing comes for a tenth of it."""
        end = time.monotonic() + seconds
        while True:
            ready = self.poll.poll(max(1, int(seconds * 100)))
            for number, _ in ready:
                wire = self.by_number[number]
                try:
                    octets = wire.recv(4096)
                except BlockingIOError:
                    continue
                except OSError:
                    octets = b""
                self.heard[wire] += octets
                if not octets:
                    self.ended.add(wire)
                    self.poll.unregister(wire)
            if not ready or time.monotonic() > end:
                return

    def greetings(self, seconds):
        """The first three octets that each has heard, waiting until all have heard some."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not all(self.heard.values()):
            self.look(0.2)
        return [octets[:3].decode(errors="replace") for octets in self.heard.values()]

    def last_words(self):
        self.look(2)
        return [octets.decode(errors="replace").splitlines()[-1][:9] for octets in self.heard.values() if octets]

    def closed(self, seconds):
        """How many the other side has closed."""
        self.look(seconds)
        return len(self.ended)

    def drip(self, octets):
        """Sends that on each; how many took it."""
        taken = 0
        for wire in self.wires:
            if wire in self.ended:
                continue
            try:
                taken += wire.send(octets) > 0
            except OSError:
                pass
        return taken
