"""A raw SMTP client: writes what it is told, octet for octet, and reads what comes."""
import re
import socket

from clients import looking_away


class Wire:
    def __init__(self, port, greeting=True, hello=None, timeout=15):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.greeting = self.reply() if greeting else ""
        if hello:
            self.say(f"EHLO {hello}")

    def send(self, octets):
        """False if the peer has closed."""
        try:
            self.socket.sendall(octets if isinstance(octets, bytes) else octets.encode())
            return True
        except OSError:
            return False

    def line(self):
        while b"\n" not in self.buffer:
            try:
                got = self.socket.recv(65536)
            except OSError:
                got = b""
            if not got:
                rest, self.buffer = self.buffer, b""
                return rest
            self.buffer += got
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line + b"\n"

    def reply(self):
        """One whole reply as text; empty when the peer has closed or says nothing in time."""
        lines = []
        while line := self.line().decode(errors="replace"):
            lines.append(line.rstrip("\r\n"))
            if not re.match(r"\d\d\d-", line):
                break
        return "\n".join(lines)

    def say(self, line):
        self.send((line if isinstance(line, bytes) else line.encode()) + b"\r\n")
        return self.reply()

    def rest(self, seconds=1.0):
        """Everything that still comes, until the peer closes or is quiet for so long; and whether it closed."""
        self.socket.settimeout(seconds)
        said, self.buffer = self.buffer, b""
        while True:
            try:
                got = self.socket.recv(65536)
            except TimeoutError:
                return said.decode(errors="replace"), False
            except OSError:
                got = b""
            if not got:
                return said.decode(errors="replace"), True
            said += got

    def starttls(self):
        said = self.say("STARTTLS")
        if said.startswith("220"):
            self.socket = looking_away().wrap_socket(self.socket)
        return said

    def to_data(self, recipient, sender="eve@other.example"):
        """MAIL, RCPT, DATA; the reply to DATA."""
        self.say(f"MAIL FROM:<{sender}>")
        self.say(f"RCPT TO:<{recipient}>")
        return self.say("DATA")

    def letter(self, recipient, content):
        """A whole transaction; the reply to its end, or what came earlier."""
        said = self.to_data(recipient)
        if not said.startswith("354"):
            return said
        self.send(content)
        return self.say(b"\r\n." if not content.endswith(b"\r\n") else b".")

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
