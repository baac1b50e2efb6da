#!/usr/bin/env python3
"""The names of all figures that the code makes, and whether the documents know them.

  tools/metrics.py           one line a figure
  tools/metrics.py --check   exit 1 if the operator's guide lacks one, or it, an alert or the dashboard names one that there isn't;
                             or if an event that an operator may have to act on is not counted
"""
import json
import re
import sys
from pathlib import Path

import events

ROOT = Path(__file__).resolve().parent.parent
NAME = re.compile(r"\b((?:letterlock|process)_[a-z0-9_]+)\b")
MADE = re.compile(r'"((?:letterlock|process)_[a-z0-9_]+)"')
PARTS = ("_bucket", "_sum", "_count")
# What stands behind the meter, with figures of its own: letterlock_log_lines_lost_total, …_thinned_total.
# dns.validates shares a statement with its opposite, and is never severe itself.
NOT_COUNTED = {"log.lost", "log.thinned", "dns.validates"}


def figures():
    """Name -> the file that makes it."""
    found = {}
    for folder in ("src", "apps"):
        for path in sorted((ROOT / folder).rglob("*.cc")):
            if not path.stem.endswith(("_test", "_fuzz", "_bench")):
                for name in MADE.findall(path.read_text()):
                    # Where one is only read, it was made elsewhere under the same name.
                    found.setdefault(name, str(path.relative_to(ROOT)))
    return dict(sorted(found.items()))


def named(text):
    """Figures that an expression or a page names, without a histogram's parts and the names of rooms' libraries."""
    for name in NAME.findall(text):
        base = next((name.removesuffix(part) for part in PARTS if name.endswith(part)), name)
        yield base


def expressions():
    """(where, expression) of each alert and each panel."""
    rules = (ROOT / "docs" / "alerts.yml").read_text()
    for alert, expression in re.findall(r"- alert: (\w+)\n\s+expr: (.*)", rules):
        yield f"docs/alerts.yml, {alert}", expression
    board = json.loads((ROOT / "docs" / "grafana-dashboard.json").read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield f"docs/grafana-dashboard.json, {panel['title']}", target["expr"]


def check():
    known = figures()
    guide = (ROOT / "docs" / "operator.md").read_text()
    table = guide.partition("\n## Figures\n")[2].partition("\n## ")[0]
    said = set(re.findall(r"`((?:letterlock|process)_[a-z0-9_]+)", table))
    out = [f"docs/operator.md, Figures, lacks `{name}` ({known[name]})" for name in sorted(known.keys() - said)]
    out += [f"docs/operator.md, Figures, has `{name}`, which nothing makes" for name in sorted(said - known.keys())]
    for where, expression in expressions():
        out += [f"{where}: there is no figure `{name}`" for name in sorted(set(named(expression)) - known.keys())]
    alerts = re.findall(r"- alert: (\w+)", (ROOT / "docs" / "alerts.yml").read_text())
    out += [f"docs/operator.md, Alerts, doesn't say what to do for {alert}" for alert in alerts if f"`{alert}`" not in guide]
    counted = set(re.findall(r'"([a-z_]+\.[a-z_]+)"', (ROOT / "apps" / "figures.cc").read_text()))
    serious = {name for name, (severities, _) in events.events().items() if severities & {"warning", "error"}}
    out += [f"apps/figures.cc, problem_events, lacks `{name}`" for name in sorted(serious - counted - NOT_COUNTED)]
    return out


def main():
    if "--check" in sys.argv[1:]:
        problems = check()
        print("\n".join(problems) or "every figure stands in docs/operator.md, and every one that is named exists")
        return 1 if problems else 0
    for name, path in figures().items():
        print(f"{name:<52} {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
