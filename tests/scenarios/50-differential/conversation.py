"""Giving a stream to a server, and what came of it: the replies in their order, and which of them took a message over."""
import random
import re
import socket

from streams import cut

REPLY_SECONDS = 4
TAKEN = re.compile(r"250 2\.\d\.\d .*?(?:trace ([0-9A-Z]{26})|queued as ([0-9A-Za-z]+))", re.S)


class Outcome:
    """`replies`: (the command or content that it answers, the text of the reply)."""

    def __init__(self, stream, said):
        self.stream = stream
        self.texts = said
        self.replies = list(zip(self.answered(), said))
        self.letters = {}  # place among the replies -> Letter, once they were fetched

    def answered(self):
        """What each reply answers, as far as that can be told: content that nobody wanted is read as commands, line by line."""
        yield b"(connection)"
        at = 1
        for octets, expected in self.stream.parts():
            last = self.texts[at - 1] if at <= len(self.texts) else ""
            if expected > 1 or (expected == 0 and not last.startswith("354")):
                pieces = octets.split(b"\n")[:-1] or [octets]
            else:
                pieces = [octets]
            for piece in pieces:
                yield piece.rstrip(b"\r") if len(pieces) > 1 else piece
                at += 1
        while True:
            yield b"(behind the end)"

    def classes(self):
        return [text[:1] for text in self.texts]

    def taken(self):
        """place -> id of each message that was taken over."""
        found = {}
        for place, text in enumerate(self.texts):
            if match := TAKEN.search(text):
                found[place] = match.group(1) or match.group(2)
        return found


def converse(address, port, stream, how):
    dice = random.Random(f"{stream.name}:{how}")
    said = []
    with socket.create_connection((address, port), timeout=REPLY_SECONDS) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = Reader(wire)
        said += reader.replies(1)
        for octets, expected in stream.parts():
            try:
                for piece in cut(octets, how, dice):
                    wire.sendall(piece)
            except OSError:
                break
            if expected == 0 and not said[-1].startswith("354"):
                expected = octets.count(b"\n")  # content that nobody wanted: each line is a command
            said += reader.replies(expected or 1)
            if reader.ended:
                break
        try:
            wire.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        said += reader.replies(10_000)
    return Outcome(stream, said)


class Reader:
    def __init__(self, wire):
        self.wire, self.buffer, self.ended = wire, b"", False

    def replies(self, count):
        """So many whole replies, or what comes until the server has closed or says nothing for long."""
        found = []
        while len(found) < count:
            match = re.match(rb"(?:\d\d\d-[^\n]*\n)*\d\d\d(?: [^\n]*)?\n", self.buffer)
            if match:
                found.append(match.group().decode(errors="replace").replace("\r\n", "\n").rstrip("\n"))
                self.buffer = self.buffer[match.end():]
                continue
            try:
                got = self.wire.recv(65536)
            except TimeoutError:
                return found
            except OSError:
                got = b""
            if not got:
                self.ended = True
                return found
            self.buffer += got
        return found
