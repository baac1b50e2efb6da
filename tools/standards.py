#!/usr/bin/env python3
"""Makes docs/standards.md from the references to RFCs in the code.

  tools/standards.py           writes docs/standards.md
  tools/standards.py --check   exit 1 if it isn't what the code says now
"""
import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "standards.md"
TITLES = ROOT / "tests" / "house" / "rfcs.txt"
SECTION = r"(?:\d{1,2}(?!\d)(?:\.\d+)*|[A-Z](?:\.\d+)+)"
RFC = re.compile(r"\bRFC:? (\d{3,5})\b")
SECTIONS = re.compile(rf",? (?:§|[Ss]ections? )({SECTION}(?:(?:, | and | to )§?{SECTION})*)")
NEXT = re.compile(r"(?:, |; | and |,? or )(\d{4,5})\b")
NOTE = re.compile(rf"\bRFC (\d{{3,5}}) §({SECTION}) (deviation|todo): (.*)")
NOTE_SENTENCES_MAX = 3

HEAD = """# Standards

What the code refers to, and where. A branch that obeys a MUST carries the section beside it; a gap is written `RFC nnnn §n todo: …`, a deliberate
difference `RFC nnnn §n deviation: why`. This page is made from those references by `tools/standards.py`.
"""


def titles():
    table = {}
    for line in TITLES.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            number, _, title = line.split(maxsplit=2)
            table[int(number)] = title
    return table


def blocks(path):
    """Paragraphs of a document, comments of a source file, each in one line."""
    if path.suffix == ".md":
        for paragraph in re.split(r"\n\s*\n|\n(?=[-|#])", path.read_text()):
            yield " ".join(paragraph.split())
        return
    gathered = []
    for line in path.read_text().splitlines():
        code, slashes, comment = line.partition("//")
        alone = slashes and not code.strip()
        if gathered and not alone:
            yield " ".join(gathered)
            gathered = []
        if slashes:
            gathered.append(comment.strip())
        if slashes and not alone:
            yield " ".join(gathered)
            gathered = []
    if gathered:
        yield " ".join(gathered)


def split_sections(text):
    return re.findall(SECTION, text)


def references(text, known):
    """(RFC, sections) for each that the text names; "RFC 5321 §4.2, 2034" names two."""
    for match in RFC.finditer(text):
        number, at = int(match.group(1)), match.end()
        while number is not None:
            sections = SECTIONS.match(text, at)
            if sections:
                at = sections.end()
            yield number, split_sections(sections.group(1)) if sections else []
            following = NEXT.match(text, at)
            number = int(following.group(1)) if following and int(following.group(1)) in known else None
            at = following.end() if number else at


def sentences(text):
    """The first few; a note in brackets ends with them."""
    depth = 0
    for at, char in enumerate(text):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if depth < 0:
            text = text[:at] + "."
            break
    return " ".join(re.split(r"(?<=\.) (?=[A-Z\"])", text)[:NOTE_SENTENCES_MAX])


def sources():
    for folder in ("src", "apps"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".cc", ".h", ".md") and not path.stem.endswith(("_test", "_fuzz", "_bench")):
                yield path


def collect():
    known = titles()
    where = defaultdict(lambda: defaultdict(set))
    notes = {"deviation": set(), "todo": set()}
    for path in sources():
        name = str(path.relative_to(ROOT))
        for text in blocks(path):
            note = NOTE.search(text)
            if note:
                notes[note.group(3)].add((int(note.group(1)), note.group(2), sentences(note.group(4)), name))
            if path.suffix == ".md":
                continue
            for number, found in references(text, known):
                for section in found or [""]:
                    where[number][section].add(name)
    return known, where, notes


def section_key(section):
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in section.split(".")] if section else []


def short(files):
    """`smtp/command.h` for src/smtp/command.h; a header and its source as one."""
    stems = defaultdict(set)
    for name in files:
        stem, suffix = name.removeprefix("src/").rsplit(".", 1)
        stems[stem].add(suffix)
    return ", ".join(f"`{stem}.{'h' if 'h' in suffixes else 'cc'}`" for stem, suffixes in sorted(stems.items()))


def note_rows(notes):
    out = ["", "| RFC | what | where |", "|---|---|---|"]
    for number, section, text, name in sorted(notes, key=lambda n: (n[0], section_key(n[1]), n[3])):
        cell = text.replace("|", "\\|")
        out.append(f"| {number} §{section} | {cell} | `{name}` |")
    return out


def page():
    known, where, notes = collect()
    out = [HEAD, "## Gaps", "", "Known to be missing."] + note_rows(notes["todo"])
    out += ["", "## Deviations", "", "Known, and meant."] + note_rows(notes["deviation"])
    out += ["", "## References", "", "| RFC | section | where |", "|---|---|---|"]
    for number in sorted(where):
        title = known.get(number, "not in tests/house/rfcs.txt")
        out.append(f"| **{number}** | | *{title}* |")
        for section in sorted(where[number], key=section_key):
            out.append(f"| | {'§' + section if section else 'as a whole'} | {short(where[number][section])} |")
    return "\n".join(out) + "\n"


def check():
    """One sentence if the page isn't what the code says."""
    if not PAGE.exists() or PAGE.read_text() != page():
        return ["docs/standards.md is not what the code says now: run tools/standards.py"]
    return []


def main():
    if "--check" in sys.argv[1:]:
        problems = check()
        print("\n".join(problems) or "docs/standards.md is up to date")
        return 1 if problems else 0
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
