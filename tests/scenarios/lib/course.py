"""A scripted run of mail through a node, the same each time: in, between tenants, out, refused, fetched, deleted, and an operator's hand.

Each step waits for what it brings about, so that the calls of the store come in the same order in each run. The node may end, or refuse,
anywhere: the ledger has what was answered. `Ended` is raised when the node is gone.
"""
import contextlib
import itertools
import poplib
import smtplib
import ssl

from admin import Refused, ask
from clients import looking_away
from harness import free_port, wait_for
from ledger import ANSWERED, DOUBTFUL, NOT_GIVEN, REFUSED, is_whole, subject_of
from letterlock import PASSWORD, Letterlock, trace_in
from name_server import Nsd
from peer import Peer

ALICE, BOB, CAROL = "alice@acorn.example", "bob@acorn.example", "carol@birch.example"
USERS = (ALICE, BOB, CAROL)
STRANGER, FRIDA, NEVER, AWAY = "eve@far.example", "frida@far.example", "never@far.example", "late@away.example"
BROKEN = (OSError, EOFError, smtplib.SMTPException, poplib.error_proto, ssl.SSLError)
OCTETS_LARGE = 150_000  # three chunks of a blob


class Ended(Exception):
    """The node has ended."""


def stage_for(stage, authority, settings=None, node_class=Letterlock, **more):
    """A node, a peer that notes what it gets, and a destination that is away. Gives node and peer; `people()` makes the tenants."""
    zone = Nsd(stage, {"example": "far MX 10 mx.far\nmx.far A 127.0.3.1\naway MX 10 mx.away\nmx.away A 127.0.3.2"})
    port = free_port()
    peer = Peer("127.0.3.1", port, refuses={NEVER: "550 5.1.1 nobody of this name"})
    node = node_class(stage, authority, settings={
        "site": {"public_networks": ["127.0.0.0/8"]},  # so that exposure counts loopback as a network
        "relay": {"port": port}, "dns": {"stub_zones": [{"zone": "example", "servers": [zone.address]}]},
        "store": {"reserve": "1MiB", "cache": "8MiB"}, "limits": {"sessions": 1000}, **(settings or {})}, **more)
    return node, peer


def people(node):
    node.people("acorn", "acorn.example", "alice", "bob")
    node.people("birch", "birch.example", "carol")
    for tenant in ("acorn", "birch"):
        node.cli("tenant", "set", tenant, "--per-hour", "1000000", "--per-day", "1000000")


class Course:
    # Of whose recipients 200 are refused in a day, that account is stopped: so each run another's are.
    unlucky = itertools.cycle(USERS)

    def __init__(self, node, peer, ledger):
        self.node, self.peer, self.ledger = node, peer, ledger

    def ended(self):
        """A node that ends takes a moment to be gone."""
        return bool(wait_for(0.3, lambda: self.node.process.poll() is not None, 0.01))

    def until(self, probe, seconds=5):
        """Waits for an effect; an effect that doesn't come is for the reckoning to find."""
        def look():
            if self.node.process.poll() is not None:
                return True
            try:
                return probe()
            except (OSError, Refused):
                return False

        answer = wait_for(seconds, look, step=0.01)
        if self.node.process.poll() is not None:
            raise Ended
        return answer

    # ---- giving ----

    def client(self, letter):
        port = self.node.ports[letter.way]
        if letter.way == "mx":
            client = smtplib.SMTP("127.0.0.1", port, timeout=20)
            client.ehlo("eve.far.example")
            return client
        client = smtplib.SMTP_SSL("127.0.0.1", port, context=looking_away(), timeout=20)
        client.login(letter.sender, PASSWORD)
        return client

    def give(self, letter):
        """Once; how it ended goes into the ledger, and is given back."""
        end, said = NOT_GIVEN, ""
        client = None
        try:
            client = self.client(letter)
            answers = [client.mail(letter.sender), *(client.rcpt(one) for one in letter.recipients), client.docmd("DATA")]
            said = next((f"{code} {text.decode(errors='replace')}" for code, text in answers if code >= 400), "")
            if said:
                end = REFUSED
            else:
                end = DOUBTFUL
                client.send(smtplib._quote_periods(letter.content()) + b".\r\n")
                code, text = client.getreply()
                said = f"{code} {text.decode(errors='replace')}"
                # 421 ends a session: whether what came before it was kept isn't said.
                end = ANSWERED if code == 250 else DOUBTFUL if code in (-1, 421) else REFUSED
        except smtplib.SMTPResponseException as error:
            end, said = (REFUSED if end == NOT_GIVEN and error.smtp_code > 0 else end), f"{error.smtp_code} {error.smtp_error}"
        except BROKEN as error:
            said = repr(error)
        finally:
            if client:
                client.close()
        letter.ends.append(end)
        letter.replies.append(said)
        if end == ANSWERED:
            letter.traces.append(trace_in(said))
        elif end != REFUSED and self.ended():
            raise Ended
        return end

    def send(self, sender, recipients, way="submissions", octets=2000):
        letter = self.ledger.letter(sender, recipients, way, octets)
        self.give(letter)
        return letter

    def queued(self, letter):
        """Rows of the queue that are this letter's, by its trace."""
        return [row for row in ask(self.node, "queue.list", count=500)["rows"] if row["trace"] in letter.traces]

    def gone(self, letter):
        """Until nothing of it waits any more."""
        if letter.is_answered():
            self.until(lambda: not self.queued(letter))

    # ---- fetching ----

    def fetch(self, user, remove=0):
        """All that is in the mailbox; the first `remove` of it are deleted (-1: all)."""
        box = self.ledger.box(user)
        client, going = None, set()
        try:
            client = poplib.POP3_SSL("127.0.0.1", self.node.ports["pop3s"], context=looking_away(), timeout=20)
            client.user(user)
            client.pass_(PASSWORD)
            ids = [line.split() for line in client.uidl()[1]]
            for at, (number, uid) in enumerate(ids):
                raw = b"\r\n".join(client.retr(int(number))[1]) + b"\r\n"
                self.note(box, uid.decode(), raw)
                if remove < 0 or at < remove:
                    client.dele(int(number))
                    going.add(uid.decode())
            box.perhaps_deleted |= going
            client.quit()
            box.deleted |= going
            return len(ids)
        except BROKEN as error:
            # QUIT with -ERR says that not all of them are gone.
            if not isinstance(error, poplib.error_proto) and self.ended():
                raise Ended from error
            return None
        finally:
            if client:
                with contextlib.suppress(*BROKEN):
                    client.close()

    def note(self, box, uid, raw):
        box.whole_fetches[uid] = box.whole_fetches.get(uid, 0) + 1
        if not is_whole(raw):
            box.torn.append(f"{uid}: {subject_of(raw)}")
        subject = subject_of(raw)
        if box.seen.setdefault(uid, subject) != subject:
            box.torn.append(f"the id {uid} was {box.seen[uid]}'s, and is {subject}'s now")

    # ---- an operator ----

    def order(self, operation, **arguments):
        """Asked for; in the ledger if it was answered."""
        try:
            result = ask(self.node, operation, **arguments)
        except Refused as error:
            return str(error)
        except OSError as error:
            if self.ended():
                raise Ended from error
            return str(error)
        self.ledger.orders.append((operation, arguments))
        return result

    def waiting(self, letter, tries=1):
        """The id in the queue of a letter that was tried so often, in vain."""
        rows = []

        def tried():
            rows[:] = self.queued(letter)
            return rows and rows[0]["attempts"] >= tries

        return rows[0]["id"] if letter.is_answered() and self.until(tried) and rows else None

    # ---- the whole of it ----

    def run(self):
        """All steps, in their order. Ended when the node is."""
        inside = self.send(ALICE, [BOB])
        self.gone(inside)
        self.gone(self.send(STRANGER, [BOB], "mx", OCTETS_LARGE))
        self.gone(self.send(ALICE, [FRIDA]))
        self.gone(self.send(ALICE, [BOB, FRIDA, CAROL], octets=OCTETS_LARGE))
        self.gone(self.send(STRANGER, [BOB, CAROL], "mx"))
        self.gone(self.send(next(self.unlucky), [NEVER]))  # comes back
        self.until(lambda: not ask(self.node, "queue.list", count=10)["rows"])
        held = self.waiting(self.send(ALICE, [AWAY]))
        if held:
            self.order("queue.hold", id=held)
        removed = self.waiting(self.send(CAROL, [AWAY]), tries=0)  # the destination rests
        self.fetch(BOB, remove=2)
        if removed:
            self.order("queue.remove", id=removed)
        self.fetch(CAROL)
        self.order("account.set", address=CAROL, name=f"Carol, after {removed}")
        self.gone(self.send(CAROL, [ALICE]))
        self.fetch(ALICE, remove=-1)
