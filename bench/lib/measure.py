"""What a tree of processes costs: CPU time and memory, of all that was started inside `with Tree() as tree`."""
import os
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup/cpuacct")
TICK = os.sysconf("SC_CLK_TCK")


def stat(pid):
    """Fields of /proc/PID/stat behind the name."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def processes_under(root):
    """The tree's ids, the root's included."""
    children = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                children.setdefault(int(stat(entry.name)[1]), []).append(int(entry.name))
            except (OSError, IndexError):
                continue
    found, at = [root], 0
    while at < len(found):
        found += children.get(found[at], [])
        at += 1
    return found


class Tree:
    """Whatever is started while one stands in it belongs to it, and so do their children. With a control group of its own
    where the machine lets it be made (to the nanosecond, and what has ended is counted); else from /proc (to the hundredth
    of a second a process; ended ones are counted once their parent has waited for them)."""
    number = 0

    def __init__(self):
        Tree.number += 1
        self.group = GROUPS / f"bench-{os.getpid()}-{Tree.number}"
        self.before = None
        self.root = None
        try:
            self.group.mkdir()
            self.before = Path("/proc/self/cgroup").read_text()
        except OSError:
            self.group = None

    def __enter__(self):
        if self.group:
            (self.group / "cgroup.procs").write_text(str(os.getpid()))
        return self

    def __exit__(self, *_):
        if self.group:
            (GROUPS / "cgroup.procs").write_text(str(os.getpid()))

    def cpu_seconds(self):
        if self.group:
            return int((self.group / "cpuacct.usage").read_text()) / 1e9
        total = 0
        for pid in processes_under(self.root):
            try:
                total += sum(map(int, stat(pid)[11:15])) / TICK
            except OSError:
                continue
        return total

    def memory_octets(self):
        """The proportional share (PSS) of all that live."""
        total = 0
        for pid in processes_under(self.root):
            try:
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        total += int(line.split()[1]) * 1024
            except OSError:
                continue
        return total

    def close(self):
        if self.group:
            try:
                self.group.rmdir()
            except OSError:
                pass  # something of it still ends; an empty group costs nothing
