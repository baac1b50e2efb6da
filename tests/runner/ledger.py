"""What a long run has done: a line of JSON for each piece that ended, with the commit that it ran on.

A piece counts as done on a state of the tree: the commit, and whatever isn't committed. So a run that was cut short goes on
where it stood, and a change makes everything due again, unless it is said that what passed since some commit still counts.
"""
import hashlib
import json
import subprocess
import time
from pathlib import Path


def git(root, *words):
    return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout


def state_of(root):
    """The commit, and a digest of what differs from it, if anything."""
    commit = git(root, "rev-parse", "--short=12", "HEAD").strip()
    changes = git(root, "diff", "HEAD") + git(root, "ls-files", "--others", "--exclude-standard")
    return commit + ("+" + hashlib.sha256(changes.encode()).hexdigest()[:8] if changes else "")


class Ledger:
    def __init__(self, path, state, accepted=(), now=None):
        """`accepted`: other states, on which what passed counts as passed. `now`: what the state is when a piece has ended."""
        self.path, self.state = Path(path), state
        self._now = now or (lambda: state)
        self._accepted = {state, *accepted}
        self.lines = []
        if self.path.exists():
            for line in self.path.read_text().splitlines():
                try:
                    self.lines.append(json.loads(line))
                except ValueError:  # a line that was cut short: that piece is to run again
                    pass

    def add(self, piece, passed, failed, seconds, **more):
        # What was changed under a running piece was tested neither before nor after the change.
        now = self._now()
        state = self.state if now == self.state else f"{self.state}..{now}"
        line = {"piece": piece, "state": state, "ended": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "passed": passed, "failed": failed, "seconds": round(seconds, 1), **more}
        self.lines.append(line)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        whole = not self.path.exists() or self.path.read_bytes()[-1:] in (b"", b"\n")
        with open(self.path, "a") as file:
            file.write(("" if whole else "\n") + json.dumps(line) + "\n")

    def last(self, piece):
        """The last that is known of a piece, whatever state it ran on."""
        return next((line for line in reversed(self.lines) if line["piece"] == piece), None)

    def here(self, piece):
        return [line for line in self.lines if line["piece"] == piece and line["state"] in self._accepted]

    def is_done(self, piece, seconds_asked=0):
        """Its last run here passed, and was asked to take at least so long."""
        here = self.here(piece)
        return bool(here) and here[-1]["failed"] == 0 and here[-1].get("asked", 0) >= seconds_asked

    def next_seed(self, piece, first):
        """Behind the seeds that ran here without a gap, whether each passed or not: a failing one is told and not run again."""
        for line in sorted(self.here(piece), key=lambda line: line.get("from", 0)):
            if line.get("from", 0) <= first:
                first = max(first, line["from"] + line.get("seeds", 0))
        return first
