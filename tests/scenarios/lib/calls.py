"""The real binary, ended or failed at the Nth of its calls that change files: tests/crash/calls.cc, loaded before the C library.

Its page of memory is a file that both have mapped. So a point is set, and read, while the node runs.
"""
import errno
import mmap
import os
import struct

from harness import ROOT
from letterlock import BINARY

LIBRARY = BINARY.parent.parent / "lib/crash_calls.so" if BINARY.parent.name == "bin" else ROOT / "build/release/lib/crash_calls.so"
SYNC, WRITE, NAME = 1, 2, 4
KINDS = {SYNC: "sync", WRITE: "write", NAME: "name"}
ACTS = ("nothing", "before", "after", "within", "fail")
ENDED = 137  # the exit status of a node that was ended at its point
SYNCS_AT, COUNTED_AT, AT_AT, KINDS_AT, CALL_AT, FILE_AT, FOLDER_AT = 0, 8, 16, 24, 48, 64, 256


class Calls:
    def __init__(self, stage, folder, name="calls"):
        self.path = stage.path(name)
        self.path.write_bytes(bytes(4096))
        with open(self.path, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), 4096)
        self.folder = str(folder)
        self.put("255s", FOLDER_AT, self.folder.encode())

    def env(self):
        return {"LD_PRELOAD": ":".join(filter(None, (str(LIBRARY), os.environ.get("LD_PRELOAD")))), "LETTERLOCK_CALLS": str(self.path)}

    def put(self, form, at, *values):
        struct.pack_into(form, self.page, at, *values)

    def get(self, form, at):
        return struct.unpack_from(form, self.page, at)[0]

    def arm(self, kind, number, act="before", error=errno.EIO, onwards=False):
        """At the `number`th call of this kind from now on; 0 only counts."""
        self.disarm()
        self.put("IIIII", KINDS_AT, kind, ACTS.index(act), error, onwards, 0)
        self.put("Q", COUNTED_AT, 0)
        self.put("Q", AT_AT, number)

    def disarm(self):
        self.put("Q", AT_AT, 0)

    def counted(self):
        return self.get("Q", COUNTED_AT)

    def syncs(self):
        """Since the program was loaded."""
        return self.get("Q", SYNCS_AT)

    def acted(self):
        return self.get("I", KINDS_AT + 16)

    def where(self):
        """The call that was acted on last, and its file's name."""
        call = self.get("16s", CALL_AT).split(b"\0")[0].decode()
        return f"{call} of {self.file().rsplit('/', 1)[-1]}"

    def file(self):
        """The file of the call that was acted on last."""
        return self.get("192s", FILE_AT).split(b"\0")[0].decode()
