"""docs/attacks.md against the tests: every number is there, every test that it names exists, and every test that is named after an attack
stands in its row."""
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TABLE = ROOT / "docs" / "attacks.md"
NUMBERS = range(1, 55)
NOT_YET = "feature doesn't exist yet"


def unit_tests():
    """"Suite.Name" of every test, with the number of the attack in its name or None."""
    found = {}
    for folder in ("src", "apps", "tests"):
        for path in (ROOT / folder).rglob("*.cc"):
            for suite, name in re.findall(r"\bTEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\)", path.read_text()):
                number = re.match(r"Attack(\d+)", suite) or re.match(r"Attack(\d+)", name)
                found[f"{suite}.{name}"] = int(number[1]) if number else None
    return found


def rows():
    """Number -> (line, the last column)."""
    found = {}
    for line, text in enumerate(TABLE.read_text().splitlines(), 1):
        cells = [cell.strip() for cell in text.strip("|").split("|")]
        if cells[0].isdigit() and len(cells) == 3:
            found.setdefault(int(cells[0]), []).append((line, cells[2]))
    return found


def check():
    problems, tests, table = [], unit_tests(), rows()
    for number in NUMBERS:
        if len(table.get(number, [])) != 1:
            problems.append(f"docs/attacks.md: attack {number} needs one row")
    problems += [f"docs/attacks.md: there is no attack {number}" for number in table if number not in NUMBERS]
    named = {}
    for number, listed in table.items():
        for line, last in listed:
            names = re.findall(r"`([^`]+)`", last)
            if not names and not last.startswith(NOT_YET):
                problems.append(f"docs/attacks.md:{line}: name a test, or say \"{NOT_YET}\"")
            for name in names:
                named.setdefault(name, set()).add(number)
                if "/" in name or re.match(r"\d\d-", name):
                    path = ROOT / "tests" / ("scenarios/" + name + "/run" if re.match(r"\d\d-", name) else name)
                    exists = path.exists()
                else:
                    exists = name in tests
                if not exists:
                    problems.append(f"docs/attacks.md:{line}: there is no test {name}: name the one that holds this now")
    for name, number in tests.items():
        if number is not None and number not in named.get(name, ()):
            problems.append(f"docs/attacks.md: {name} is a test of attack {number}: put it into that row")
    return problems
