"""After a crash: does what the node has agree with what the world was told?

Everybody gives again what he got no 250 for, as real clients do; the queue drains; all mail is fetched. Then, of each letter:
it is where it belongs, as often as it was answered, more often only where an answer was lost; what was deleted stays deleted, no unique id
is used twice; its trace has each hop that happened, none is left open, and what nobody knows counts as given away. `reckon()` gives back
sentences: what doesn't agree.
"""
import email
import re
import time

from admin import Refused, ask
from course import AWAY, BROKEN, NEVER, USERS, Course
from harness import wait_for
from ledger import is_whole, subject_of

# What a node may say after a crash, and an operator may read without looking further.
EXPECTED_WARNINGS = ("trace.intents_unknown", "queue.leases_changed", "node.confined", "dns.no_validation", "dns.unknown_validation",
                     "store.resumed", "hop.failed", "msa.sending_limit")
GIVES_MAX = 20


class Reckoning:
    def __init__(self, node, peer, ledger, refused_may_stay=False, expected_errors=(), drain_seconds=15):
        self.node, self.peer, self.ledger = node, peer, ledger
        self.refused_may_stay, self.expected_errors = refused_may_stay, expected_errors
        self.drain_seconds = drain_seconds
        self.course = Course(node, peer, ledger)
        self.wrong = []

    def say(self, sentence):
        self.wrong.append(sentence)

    # ---- the queue ----

    def give_again(self):
        for letter in self.ledger.unanswered():
            for _ in range(GIVES_MAX):
                if self.course.give(letter) == "answered":
                    break
                time.sleep(0.1)
            else:
                self.say(f"{letter.subject} is never taken: {letter.replies[-1]}")

    def waiting(self):
        return ask(self.node, "queue.list", count=1000)["rows"]

    def drain(self):
        """Only what can't go is left."""
        rows = []

        def drained():
            rows[:] = [row for row in self.waiting() if row["recipient"] != AWAY]
            return not rows

        if not wait_for(self.drain_seconds, drained, 0.05):
            self.say(f"the queue doesn't drain: {rows}")

    def look_at_orders(self):
        """What an operator was told that it is done is done."""
        rows = {row["id"]: row for row in self.waiting()}
        names = {}
        for operation, arguments in self.ledger.orders:
            if operation == "queue.hold" and rows.get(arguments["id"], {}).get("state") != "held":
                self.say(f"{arguments['id']} was held, and isn't: {rows.get(arguments['id'])}")
            if operation == "queue.remove" and arguments["id"] in rows:
                self.say(f"{arguments['id']} was removed, and is there")
            if operation == "account.set":
                names[arguments["address"]] = arguments["name"]
        for address, name in names.items():
            if ask(self.node, "account.show", address=address)["name"] != name:
                self.say(f"{address} isn't called {name}")

    # ---- mailboxes ----

    def look_into(self, user):
        """Fetches and deletes all; what was known of the mailbox must still hold."""
        box = self.ledger.box(user)
        before = set(box.seen) - box.deleted - box.perhaps_deleted
        gone, perhaps = set(box.deleted), set(box.perhaps_deleted)
        counts = dict(box.whole_fetches)
        if self.course.fetch(user, remove=-1) is None:
            return self.say(f"{user} can't fetch")
        there = {uid for uid, count in box.whole_fetches.items() if count > counts.get(uid, 0)}
        for uid in before - there:
            self.say(f"{box.seen[uid]} was in the mailbox of {user}, was not deleted, and is gone")
        for uid in there & (gone - perhaps | gone):
            self.say(f"{box.seen[uid]} was deleted by {user}, and is back")
        for torn in box.torn:
            self.say(f"in the mailbox of {user}: {torn}")
        box.torn = []

    def copies(self, user, subject):
        return sum(one == subject for one in self.ledger.box(user).seen.values())

    def reports(self, letter):
        """Bounces in the sender's mailbox that are about this letter."""
        return self.copies(letter.sender, f"report of {letter.subject}")

    # ---- one letter ----

    def at_peer(self, letter):
        raws = [raw for raw in self.peer.letters if subject_of(raw) == letter.subject]
        if not all(map(is_whole, raws)):
            self.say(f"{letter.subject} came to the peer torn")
        return len(raws)

    def with_fetches(self, trace_id):
        """What is kept of it: a trace, or one of each tenant that it came to from outside. Of a fetch in another
        tenant the sender's trace learns by an event, moments later."""
        def told(trace):
            ways = [[trace["hops"][at] for at in way["hops"]] for way in trace["ways"] if way["address"] in USERS]
            return all(any(hop["kind"] == "fetch" for hop in way) for way in ways)

        last = []

        def look():
            last[:] = self.traces(trace_id)
            return all(map(told, last))

        wait_for(6, look, 0.1)
        return last

    def look_at(self, letter):
        most = letter.most(self.refused_may_stay)
        for recipient in letter.recipients:
            if recipient in USERS:
                self.counted(letter, f"in the mailbox of {recipient}", self.copies(recipient, letter.subject), most)
        traces = [trace for one in letter.traces for trace in self.with_fetches(one)]
        if any(one not in USERS for one in letter.recipients):
            self.look_at_relay(letter, traces, most)
        for trace in traces:
            self.look_at_trace(letter, trace)

    def counted(self, letter, where, count, most):
        if not 1 <= count <= most:
            self.say(f"{letter.subject} ({', '.join(letter.ends)}) is {where} {count} times, at most {most} would be right")

    def traces(self, trace_id):
        try:
            shown = ask(self.node, "trace.show", id=trace_id)
        except Refused as error:
            self.say(f"trace {trace_id}: {error}")
            return []
        return shown.get("traces", [shown])

    def look_at_relay(self, letter, traces, most):
        """Each copy that the peer has is a transfer in a trace, and each transfer of a trace a copy, or unknown."""
        hops = [hop for trace in traces for hop in trace["hops"] if hop["kind"] == "relay" and hop["from"]["role"] == "node"]
        completed = sum(hop["outcome"] == "completed" for hop in hops)
        unknown = sum(hop["outcome"] == "unknown" for hop in hops)
        for recipient in letter.recipients:
            if recipient == NEVER:
                self.counted(letter, "reported to its sender", self.reports(letter), most)
            elif recipient == AWAY:
                self.look_at_waiting(letter, traces)
            elif recipient not in USERS:
                count = self.at_peer(letter)
                doubtful = most - len(letter.traces)  # taken, perhaps, without the trace's id having been read
                if not completed <= count <= completed + unknown + doubtful * (1 + unknown):
                    self.say(f"{letter.subject} is at the peer {count} times: its trace has {completed} completed transfers, {unknown} unknown")
                if count == 0:
                    self.say(f"{letter.subject} never came to the peer")

    def look_at_waiting(self, letter, traces):
        """To a destination that is away: in the queue, unless an operator removed it."""
        waits = {row["trace"] for row in self.waiting()}
        removed = {way["recipient"] for trace in traces for way in trace["ways"] if way["ending"]}
        if not removed and not waits & set(letter.traces):
            self.say(f"{letter.subject} neither waits nor was removed")

    def look_at_trace(self, letter, trace):
        name = f"{letter.subject}: its trace {trace['trace']['id']}"
        hops = trace["hops"]
        if not trace["complete"]:
            self.say(f"{name} is incomplete")
        if not hops or hops[0]["outcome"] != "completed" or hops[0]["kind"] not in ("submission", "relay"):
            self.say(f"{name} doesn't begin with how it came in: {hops[:1]}")
        for hop in hops:
            if hop["outcome"] == "intended":
                self.say(f"{name} has an intent that nobody closed: {hop}")
        unknown = {hop["number"] for hop in hops if hop["outcome"] == "unknown"}
        counted = {number for party in trace["exposure"] for number in party["hops"]}
        if not unknown <= counted:
            missing = [hop for hop in hops if hop["number"] in unknown - counted]
            self.say(f"{name}: its exposure doesn't count what is unknown: {missing}")
        for way in trace["ways"]:
            if way["address"] in USERS:
                self.look_at_way(name, way, [hops[at] for at in way["hops"]])

    def look_at_way(self, name, way, hops):
        kinds = [hop["kind"] for hop in hops if hop["outcome"] == "completed"]
        if "delivery" not in kinds:
            self.say(f"{name} has no delivery to {way['address']}: {kinds}")
        if not any(hop["kind"] == "fetch" for hop in hops):
            self.say(f"{name} has no fetch by {way['address']}, who has fetched it")

    # ---- the log ----

    def look_at_log(self):
        for line in self.node.log().splitlines():
            found = re.match(r"\S+ (warning|error) (\S+)", line)
            if found and not (found[1] == "warning" and found[2] in EXPECTED_WARNINGS) and found[2] not in self.expected_errors:
                self.say(f"the log complains: {line}")

    def run(self):
        self.give_again()
        self.drain()
        self.look_at_orders()
        for user in USERS:
            self.look_into(user)
        for letter in self.ledger.letters.values():
            if letter.is_answered():
                self.look_at(letter)
        self.look_at_log()
        self.clear()
        return self.wrong

    def clear(self):
        """A clean table for the next run: nothing waits, the peer has forgotten."""
        for row in self.waiting():
            ask(self.node, "queue.remove", id=row["id"])
        self.peer.letters.clear()
        for user in USERS:  # so many refused recipients would stop an account
            ask(self.node, "account.set", address=user, sending="enabled")
        self.ledger.forget()


def reckon(node, peer, ledger, **more):
    """Sentences, none if all agrees."""
    reckoning = Reckoning(node, peer, ledger, **more)
    try:
        return reckoning.run()
    except (*BROKEN, Refused, KeyError, email.errors.MessageError) as error:
        return [*reckoning.wrong, f"the reckoning itself failed: {error!r}"]
