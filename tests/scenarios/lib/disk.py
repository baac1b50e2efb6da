"""File systems of a scenario's own: one on a disk whose power can be cut, and small ones that fill up. Mounting needs root, and a machine that
lets root mount; `NoMounts` says why it doesn't."""
import collections
import contextlib
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path

from harness import run, wait_for


class NoMounts(Exception):
    """This machine doesn't let a scenario mount; in its own words."""


def make_file_system(stage, name, mebibytes, *words):
    """ext4 in a file."""
    image = stage.path(name)
    with open(image, "wb") as file:
        file.truncate(mebibytes << 20)
    status, out, err = run(["mkfs.ext4", "-q", "-m", "0", "-J", "size=4", "-E", "lazy_itable_init=0,lazy_journal_init=0", *words, image])
    if status:
        raise RuntimeError(f"mkfs.ext4: {out}{err}")
    return image


def mount_loop(stage, image, folder, *words):
    """The image on a loop device, mounted; the device goes with the mount."""
    if os.geteuid() != 0:
        raise NoMounts("only root may mount")
    try:
        return stage.mount(folder, "-t", "ext4", "-o", ",".join(("loop", *words)), image)
    except RuntimeError as error:
        raise NoMounts(str(error)) from error


class VolatileDisk:
    """volatile_disk.py in a process of its own, a loop device on its file, ext4 on that."""

    def __init__(self, stage, mebibytes=64):
        if os.geteuid() != 0:
            raise NoMounts("only root may mount")
        self.stage = stage
        self.under = stage.path("volatile")
        self.under.mkdir()
        image = make_file_system(stage, "volatile.img", mebibytes)
        self.process = subprocess.Popen([sys.executable, Path(__file__).with_name("volatile_disk.py"), self.under, image],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/")
        self.process.own_group = False
        stage.note_process(self.process)
        stage.tell_watcher("process", self.process.pid)
        self.said = collections.defaultdict(queue.Queue)  # by its first word
        # Ends who works on the disk. Only then are flushes answered again, by which time nobody is left to be deceived.
        self.when_cut = lambda: None
        first = self.process.stdout.readline()
        if first != "mounted\n":
            raise NoMounts(self.process.stderr.read().strip().splitlines()[-1])
        stage.note_mount(self.under)
        threading.Thread(target=self.listen, daemon=True).start()
        self.mount()

    def listen(self):
        for line in self.process.stdout:
            if line.startswith("cut"):
                self.when_cut()
                self.release()
            word, *values = line.split()
            self.said[word].put(values)

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self, word, seconds=20):
        """The numbers of the answer that begins with this word."""
        return [int(value) for value in self.said[word].get(timeout=seconds)]

    def mount(self):
        self.folder = mount_loop(self.stage, self.under / "disk", "power")
        self.stage.undo.append(self.release)  # else what unmounts it would wait for its flush

    def release(self):
        with contextlib.suppress(OSError):
            self.tell("release")

    def arm(self, number, seed):
        self.tell(f"arm {number} {seed}")
        self.hear("arm")

    def cut(self, seed):
        self.tell(f"cut {seed}")

    def count(self):
        """Of flushes since it was armed."""
        self.tell("count")
        return self.hear("count")[0]

    def come_back(self):
        """After a cut, with nobody at work on the disk: mounted as the cut left it. How many flushes came before it, and how many writes
        had not been flushed."""
        flushes, unflushed = self.hear("cut")
        if not wait_for(20, lambda: run(["umount", self.folder])[0] == 0, 0.05):
            raise RuntimeError("the disk is in use, and can't be unmounted")
        # The loop device lets go of the file a moment later.
        wait_for(5, lambda: str(self.under) not in run(["losetup", "--list", "--noheadings", "--output", "BACK-FILE"])[1], 0.02)
        self.tell("resume")
        self.hear("resume")
        self.mount()
        return flushes, unflushed
