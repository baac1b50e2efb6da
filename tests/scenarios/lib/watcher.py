#!/usr/bin/env python3
"""Ends what a scenario started, however the scenario itself ends, kill -9 of it included.

A server that leaves root loses the signal that it would get when its parent dies. So each stage has one of these beside it, in a session of
its own: it reads what was started, mounted and made, a line each, and at the end of its input, which comes with the end of the stage's
process, it undoes what is still there. Processes are held by descriptors (pidfd), so that no number is mistaken for another's.

    process 123      session 123 (and all in it)      mount /a/folder      folder /a/folder
"""
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path


def hold(number):
    try:
        return os.pidfd_open(number)
    except OSError:
        return None  # gone already


def kill(held):
    try:
        signal.pidfd_send_signal(held, signal.SIGKILL)
    except OSError:
        pass


def of_session(session):
    """Processes whose session is this one's: field 6 of their stat, behind the name in brackets."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(path.read_text().rpartition(")")[2].split()[3]) == session:
                yield int(path.parent.name)
        except (OSError, IndexError):
            continue


def undo(processes, sessions, mounts, folders):
    for held in processes:
        kill(held)
    for session in sessions:
        for number in of_session(session):
            held = hold(number)
            if held is not None:
                kill(held)
                os.close(held)
    for _ in range(20):
        mounts = [path for path in mounts if os.path.ismount(path)]
        for path in reversed(mounts):
            subprocess.run(["umount", path], stderr=subprocess.DEVNULL, check=False)
        if not mounts:
            break
        time.sleep(0.1)
    for path in mounts:  # somebody still holds it: it goes with him
        subprocess.run(["umount", "--lazy", path], stderr=subprocess.DEVNULL, check=False)
    for path in folders:
        shutil.rmtree(path, ignore_errors=True)


def main():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    processes, sessions, mounts, folders = [], [], [], []
    for line in sys.stdin:
        what, _, value = line.rstrip("\n").partition(" ")
        if what in ("process", "session"):
            held = hold(int(value))
            if held is not None:
                processes.append(held)
            if what == "session":
                sessions.append(int(value))
        elif what == "mount":
            mounts.append(value)
        elif what == "folder":
            folders.append(value)
    undo(processes, sessions, mounts, folders)


if __name__ == "__main__":
    main()
