"""Whether two servers agree on a stream; and if not, which reviewed difference it is.

Compared are the classes of replies in their order, which of them took a message over, from whom and for whom, and the content that
arrived. What follows a difference in replies is its consequence, and isn't compared. Three things must hold whatever
is reviewed: how the octets were cut makes no difference to us; what we took is what a strict reader of RFC 5321 reads; and
what was answered with 250 arrived, once.
"""
import re
import tomllib
from pathlib import Path


class Letter:
    """A message as it lay in mailboxes: whose, from whom, and its content without what the server wrote on top."""

    def __init__(self, boxes, mail_from, content):
        self.boxes, self.mail_from, self.content = boxes, mail_from, content


class Reviewed:
    def __init__(self, path):
        table = tomllib.loads(Path(path).read_text())
        self.replies = table.get("reply", [])
        self.contents = table.get("content", [])
        self.counted = {entry["name"]: 0 for entry in self.replies + self.contents}
        for entry in self.replies + self.contents:
            for key in ("name", "right", "rfc", "why"):
                if not entry.get(key):
                    raise ValueError(f"{path}: an entry without {key}: {entry}")

    def reply(self, outcome, place, ours, theirs):
        """The entry that explains that one place, or nothing."""
        command = outcome.replies[place][0] if place < len(outcome.replies) else b"(behind the end)"
        for entry in self.replies:
            if self.fits(entry, "command", command.decode("latin-1")) and self.fits(entry, "ours", ours) and self.fits(entry, "theirs", theirs) \
                    and self.fits(entry, "stream", outcome.stream.octets().decode("latin-1")):
                self.counted[entry["name"]] += 1
                return entry
        return None

    def content(self, ours, theirs):
        """Changes our content into theirs, entry by entry; whether that leads there. Most entries are of the header alone."""
        used = []
        for entry in self.contents:
            pattern, becomes = entry["pattern"].encode("latin-1"), entry["becomes"].encode("latin-1")
            end = re.search(rb"\A\r\n|\r\n\r\n", ours)
            at = end.end() if end and "anywhere" not in entry else len(ours)
            changed = re.sub(pattern, becomes, ours[:at], flags=re.S) + ours[at:]
            if changed != ours:
                used.append(entry["name"])
            ours = changed
        if ours == theirs:
            for name in used:
                self.counted[name] += 1
        return ours == theirs

    @staticmethod
    def fits(entry, key, text):
        return key not in entry or re.search(entry[key], text, re.S) is not None


def strict_content(segment):
    """What a strict reader takes from DATA's octets: up to the first CRLF.CRLF (or a dot at the very front), without stuffing."""
    if segment.startswith(b".\r\n"):
        return b""
    end = segment.find(b"\r\n.\r\n")
    return re.sub(rb"(\A|\r\n)\.", rb"\1", segment[:end + 2]) if end >= 0 else None


def header_ended(content):
    """With the empty line that a server puts where a line that is no field ends the header; a Return-Path is taken out."""
    rest, header = content, b""
    while rest and not rest.startswith(b"\r\n"):
        field = re.match(rb"[!-9;-~]+[ \t]*:[^\n]*\n([ \t][^\n]*\n)*", rest)
        if not field:
            return header + b"\r\n" + rest
        rest = rest[field.end():]
        header += b"" if re.match(rb"(?i)return-path[ \t]*:", field.group()) else field.group()
    return header + rest


def own_faults(outcomes):
    """What is wrong with our side alone, whatever another server says. `outcomes`: of the same stream, cut differently."""
    first = outcomes[0]
    for how, other in enumerate(outcomes[1:], 1):
        if [text[:9] for text in other.texts] != [text[:9] for text in first.texts]:
            yield f"cut {how} is answered otherwise than cut 0:\n{other.texts}\n{first.texts}"
        elif {place: (one.boxes, one.mail_from, one.content) for place, one in other.letters.items()} != \
                {place: (one.boxes, one.mail_from, one.content) for place, one in first.letters.items()}:
            yield f"cut {how} gives other messages than cut 0"
    for outcome in outcomes:
        for place in outcome.taken():
            if place not in outcome.letters:
                yield f"answered with 250 and never arrived: {outcome.texts[place]}"
                continue
            answered = outcome.replies[place][0]
            wanted = None if answered.upper().startswith(b"BDAT") else strict_content(answered)
            if wanted is not None and outcome.letters[place].content != header_ended(wanted):
                yield f"another content than a strict reader's:\n{outcome.letters[place].content!r}\n{header_ended(wanted)!r}"


def differences(reviewed, ours, theirs):
    """What no entry explains."""
    until = min(len(ours.texts), len(theirs.texts))
    for place in range(max(len(ours.texts), len(theirs.texts))):
        our, their = (side.texts[place] if place < len(side.texts) else "(closed)" for side in (ours, theirs))
        taken = (place in ours.taken(), place in theirs.taken())
        if our[:1] == their[:1] and taken[0] == taken[1]:
            continue
        if reviewed.reply(ours if place < len(ours.texts) else theirs, place, our, their) is None:
            command = (ours if place < len(ours.replies) else theirs).replies[place][0]
            yield f"reply {place}, to {command[:300]!r}:\n  ours:   {our}\n  theirs: {their}"
        until = place
        break
    for place in sorted(set(ours.letters) & set(theirs.letters)):
        if place >= until:
            break
        our, their = ours.letters[place], theirs.letters[place]
        if (our.boxes, our.mail_from) != (their.boxes, their.mail_from):
            yield f"another envelope: ours {our.boxes} from {our.mail_from!r}, theirs {their.boxes} from {their.mail_from!r}"
        elif our.content != their.content and not reviewed.content(our.content, their.content):
            yield f"another content:\n  ours:   {our.content[:1500]!r}\n  theirs: {their.content[:1500]!r}"
