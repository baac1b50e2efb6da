"""What the world outside a node knows: what it gave, what it was answered, what it fetched and deleted.

A letter is known by its subject, and carries a digest of its body, so that a torn one is seen. Each time it is given ends in one of four ways:
`answered` (250 was read), `refused` (an answer, and it was no), `doubtful` (its last octet was sent, no answer came), `not given`.
"""
import email
import hashlib
import itertools
import random
from dataclasses import dataclass, field

ANSWERED, REFUSED, DOUBTFUL, NOT_GIVEN = "answered", "refused", "doubtful", "not given"


@dataclass
class Letter:
    subject: str
    sender: str
    recipients: list
    way: str  # the listener: submissions or mx
    octets: int = 2000
    ends: list = field(default_factory=list)
    replies: list = field(default_factory=list)
    traces: list = field(default_factory=list)

    def body(self):
        """The same each time it is given."""
        chance = random.Random(self.subject)
        lines = []
        while sum(map(len, lines)) < self.octets:
            lines.append("".join(chance.choices("abcdefghijklmnopqrstuvwxyz .", k=72)) + "x\r\n")
        return "".join(lines)

    def content(self):
        body = self.body()
        return (f"From: {self.sender}\r\nTo: {', '.join(self.recipients)}\r\nSubject: {self.subject}\r\n"
                f"X-Digest: {hashlib.sha256(body.encode()).hexdigest()}\r\n\r\n{body}").encode()

    def is_answered(self):
        return ANSWERED in self.ends

    def most(self, refused_may_stay=False):
        """How often it may arrive at each of its recipients. `refused_may_stay`: where a sync failed, nobody knows whether what was
        refused for it went in."""
        return sum(end in (ANSWERED, DOUBTFUL) or refused_may_stay and end == REFUSED for end in self.ends)


def is_whole(raw):
    """Whether the body is the one that the digest was made of."""
    head, _, body = raw.partition(b"\r\n\r\n")
    wanted = email.message_from_bytes(head)["X-Digest"]
    return wanted is None or hashlib.sha256(body).hexdigest() == wanted


def subject_of(raw):
    """A report's: whose letter it is about."""
    head = email.message_from_bytes(raw.partition(b"\r\n\r\n")[0])
    if head.get_content_type() != "multipart/report":
        return head["Subject"]
    original = email.message_from_bytes(raw).get_payload()[-1].get_payload()
    about = original[0] if isinstance(original, list) else email.message_from_string(original)
    return f"report of {about['Subject']}"


@dataclass
class Box:
    """One mailbox as its owner's client has seen it, by unique ids."""
    seen: dict = field(default_factory=dict)        # id: subject
    deleted: set = field(default_factory=set)       # QUIT was answered
    perhaps_deleted: set = field(default_factory=set)
    whole_fetches: dict = field(default_factory=dict)  # id: how often it came whole
    torn: list = field(default_factory=list)


class Ledger:
    def __init__(self):
        self.letters = {}
        self.boxes = {}
        self.orders = []  # an operator's, that were answered: (operation, arguments)
        self.numbers = itertools.count(1)  # several threads give letters

    def letter(self, sender, recipients, way, octets=2000):
        letter = Letter(f"letter {next(self.numbers)}", sender, recipients, way, octets)
        self.letters[letter.subject] = letter
        return letter

    def box(self, user):
        return self.boxes.setdefault(user, Box())

    def unanswered(self):
        """What a client would give again."""
        return [letter for letter in self.letters.values() if not letter.is_answered()]

    def forget(self):
        """What has been reckoned up: a new page, but unique ids are never used twice."""
        self.letters, self.orders = {}, []
