#!/usr/bin/env python3
"""The names of all events that the code emits, with where.

  tools/events.py           one line an event: its name, its severities, its files
  tools/events.py --check   exit 1 if docs/operator.md lacks one, or has one that the code hasn't
"""
import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GUIDE = ROOT / "docs" / "operator.md"
NAME = re.compile(r'"([a-z][a-z_]*\.[a-z][a-z_]*)"')
# What makes a statement one that names events: it emits, makes a severity, or chooses a name for later.
TELLS = re.compile(r"\bemit\(|\brefused?\(|\bSeverity::|\bevent_? =|\bstring_view name =|^\s*name =|\bEvent\b", re.M)


def statements(text):
    """Pieces between semicolons, comments left out."""
    text = re.sub(r"^\s*//.*$|\s//[^\n\"]*$", "", text, flags=re.M)
    return re.split(r";(?=\s)|(?<=\S)\s*\{\n", text)


def events():
    """Name -> (severities, files). A severity that depends on the case counts as each of them."""
    found = defaultdict(lambda: (set(), set()))
    for folder in ("src", "apps"):
        for path in sorted((ROOT / folder).rglob("*.cc")):
            if path.stem.endswith(("_test", "_fuzz", "_bench")) or path.parent.name in ("sim", "peers"):
                continue
            for statement in statements(path.read_text()):
                if not TELLS.search(statement):
                    continue
                for name in NAME.findall(statement):
                    if name.rsplit(".", 1)[1] in ("h", "cc", "example", "invalid", "arpa", "lock"):
                        continue
                    severities, files = found[name]
                    severities.update(re.findall(r"Severity::(\w+)", statement))
                    files.add(str(path.relative_to(ROOT)))
    return dict(sorted(found.items()))


def check():
    """What the guide's table of events lacks or has too much, one sentence each."""
    text = GUIDE.read_text() if GUIDE.exists() else ""
    table = text.partition("\n## Events\n")[2].partition("\n## ")[0]
    said = set()
    for cell in re.findall(r"^\| (`[^|]+?) \|", table, re.M):
        said.update(re.findall(r"`([a-z_]+\.[a-z_]+)`", cell))
    known = events()
    out = [f"docs/operator.md, Events, lacks `{name}` ({', '.join(sorted(known[name][1]))}): add a row that says what it means and what to do"
           for name in sorted(known.keys() - said)]
    out += [f"docs/operator.md, Events, has `{name}`, which nothing emits: take the row out" for name in sorted(said - known.keys())]
    return out


def main():
    if "--check" in sys.argv[1:]:
        problems = check()
        print("\n".join(problems) or "every event stands in docs/operator.md")
        return 1 if problems else 0
    for name, (severities, files) in events().items():
        print(f"{name:<28} {'/'.join(sorted(severities)):<16} {' '.join(sorted(files))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
