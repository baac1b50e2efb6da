"""A small SMTP server that answers as it is told: late, wrongly, or not at all."""
import socket
import ssl
import threading
import time

DROP = "DROP"  # instead of an answer: the connection is cut
GARBAGE = "GARBAGE"  # instead of a TLS handshake


class Peer:
    """`answers`: {"RCPT": ["451 4.2.0 not now", "250 2.1.5 ok"]}: taken one by one, over all sessions; the last one stays.
    "CONNECT" is the greeting, "CONTENT" what is said after the final dot. `tls`: (chain, key), or GARBAGE, or nothing."""

    usual = {"CONNECT": "220 peer.example ESMTP", "MAIL": "250 2.1.0 ok", "RCPT": "250 2.1.5 ok", "DATA": "354 go on",
             "CONTENT": "250 2.0.0 kept", "RSET": "250 2.0.0 ok", "NOOP": "250 2.0.0 ok", "QUIT": "221 2.0.0 bye",
             "STARTTLS": "220 2.0.0 go on"}

    def __init__(self, address, port, answers=None, tls=None, delay=0.0, offers=("PIPELINING", "8BITMIME", "DSN"), refuses=None):
        """`refuses`: {"never@far.example": "550 5.1.1 unknown"}, whatever `answers` says of RCPT."""
        self.answers = {verb: list(said) for verb, said in (answers or {}).items()}
        self.refuses = refuses or {}
        self.tls, self.delay, self.offers = tls, delay, offers
        self.letters, self.commands, self.sessions = [], [], 0
        self.lock = threading.Lock()
        self.listener = socket.create_server((address, port), backlog=50)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.sessions += 1
            threading.Thread(target=self.session, args=(connection,), daemon=True).start()

    def close(self):
        self.listener.close()

    def said(self, verb):
        """The commands of this verb, of all sessions."""
        return [line for line in self.commands if line.upper().startswith(verb)]

    def answer(self, verb):
        with self.lock:
            told = self.answers.get(verb)
            if not told:
                return self.usual.get(verb, "502 5.5.1 no such command")
            return told.pop(0) if len(told) > 1 else told[0]

    def say(self, connection, verb, command=""):
        text = next((said for whom, said in self.refuses.items() if f"<{whom}>" in command), None) or self.answer(verb)
        if self.delay:
            time.sleep(self.delay)
        if text == DROP:
            raise ConnectionError
        connection.sendall(text.encode() + b"\r\n")
        return text

    def session(self, connection):
        try:
            connection.settimeout(60)
            self.say(connection, "CONNECT")
            stream = connection.makefile("rb")
            while line := stream.readline():
                command = line.decode(errors="replace").strip()
                self.commands.append(command)
                verb = command.split(" ")[0].upper().split(":")[0]
                if verb in ("EHLO", "HELO"):
                    self.greet(connection)
                elif verb == "STARTTLS" and self.tls:
                    connection = self.secure(connection)
                    stream = connection.makefile("rb")
                elif self.say(connection, verb, command).startswith("354"):
                    self.content(connection, stream)
                elif verb == "QUIT":
                    break
        except (OSError, ValueError):
            pass
        finally:
            connection.close()

    def greet(self, connection):
        offers = list(self.offers)
        if self.tls and not isinstance(connection, ssl.SSLSocket):
            offers.append("STARTTLS")
        lines = ["peer.example", *offers]
        if self.delay:
            time.sleep(self.delay)
        connection.sendall("".join(f"250{' ' if n == len(lines) - 1 else '-'}{line}\r\n"
                                   for n, line in enumerate(lines)).encode())

    def secure(self, connection):
        self.say(connection, "STARTTLS")
        if self.tls == GARBAGE:
            connection.recv(1)
            connection.sendall(b"\x16\x03\x03\x00\x05hello I am no TLS record at all\r\n" * 4)
            raise ConnectionError
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*map(str, self.tls))
        return context.wrap_socket(connection, server_side=True)

    def content(self, connection, stream):
        content = b""
        while line := stream.readline():
            if line == b".\r\n":
                break
            content += line[1:] if line.startswith(b".") else line
        else:
            raise ConnectionError
        if self.say(connection, "CONTENT").startswith("250"):
            self.letters.append(content)
