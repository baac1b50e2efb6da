#!/usr/bin/env python3
"""A disk with a volatile cache, whose power can be cut: a FUSE file system of one file, for a loop device to stand on.

What is written lies in the cache until the kernel asks for a flush (FUSE_FSYNC, which is what a loop device makes of a flush of its own).
A cut keeps what was flushed; of each later write it keeps all, nothing, its first sectors, or a sector here and there, by the seed: what disks
do that acknowledge writes from their cache and reorder them. From the cut on no flush is answered, so that nothing can be called durable that the
cut doesn't have; `release` answers them, and whoever waited can end.

    volatile_disk.py FOLDER IMAGE     as root; speaks the kernel's protocol itself (linux/fuse.h, 7.31), without a library

Orders on standard input, answers on standard output, a line each:
    arm N SEED      power goes at the Nth flush from now on, before it is done; told as "cut N P" (P writes were not flushed)
    cut SEED        now
    release         flushes are answered again; what they flush is lost
    count           how many flushes there were since it was armed
    resume          the disk has what the cut left (when nothing is mounted on it)
"""
import ctypes
import errno
import os
import random
import select
import struct
import sys

(LOOKUP, FORGET, GETATTR, SETATTR, OPEN, READ, WRITE, STATFS, RELEASE, FSYNC, FLUSH, INIT, OPENDIR, RELEASEDIR, INTERRUPT, DESTROY,
 BATCH_FORGET) = (1, 2, 3, 4, 14, 15, 16, 17, 18, 20, 25, 26, 27, 29, 36, 38, 42)
ROOT_NODE, FILE_NODE = 1, 2
SECTOR = 512
WRITE_MAX = 128 * 1024
FLAG_BIG_WRITES, FLAG_MAX_PAGES = 1 << 5, 1 << 22
CACHED_SECONDS = 3600
MS_NOSUID, MS_NODEV = 2, 4
NAME = b"disk"


class Disk:
    """What the kernel sees, and what would be there after a cut."""

    def __init__(self, image):
        self.now = bytearray(image)
        self.durable = bytearray(image)
        self.unflushed = []
        self.left = None  # by a cut

    def write(self, at, octets):
        self.now[at:at + len(octets)] = octets
        self.unflushed.append((at, octets))

    def flush(self):
        for at, octets in self.unflushed:
            self.durable[at:at + len(octets)] = octets
        self.unflushed = []

    def cut(self, seed):
        chance = random.Random(seed)
        self.left = bytearray(self.durable)
        for at, octets in self.unflushed:
            sectors = range(0, len(octets), SECTOR)
            fate = chance.randrange(4)
            first = chance.randrange(len(sectors) + 1)
            for number, sector in enumerate(sectors):
                if fate == 0 or fate == 1 and number < first or fate == 2 and chance.random() < 0.5:
                    self.left[at + sector:at + sector + SECTOR] = octets[sector:sector + SECTOR]

    def resume(self):
        self.now, self.durable, self.unflushed, self.left = bytearray(self.left), self.left, [], None


class Server:
    def __init__(self, folder, disk):
        self.disk = disk
        self.device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        libc = ctypes.CDLL(None, use_errno=True)
        options = f"fd={self.device},rootmode=40000,user_id=0,group_id=0,max_read={WRITE_MAX}".encode()
        if libc.mount(b"volatile-disk", folder.encode(), b"fuse", MS_NOSUID | MS_NODEV, options):
            raise OSError(ctypes.get_errno(), f"mounting FUSE: {os.strerror(ctypes.get_errno())}")
        self.flushes, self.at, self.seed = 0, 0, 0
        self.held, self.released = [], False  # flushes that are not answered

    # ---- the kernel's side ----

    def answer(self, unique, body=b"", error=0):
        try:
            os.write(self.device, struct.pack("<IiQ", 16 + len(body), -error, unique) + body)
        except FileNotFoundError:
            pass  # who asked is gone

    def attributes(self, node):
        size, mode = (0, 0o040755) if node == ROOT_NODE else (len(self.disk.now), 0o100600)
        return struct.pack("<QQQQQQIIIIIIIIII", node, size, size // 512, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

    def init(self, unique, body):
        major, _, readahead, flags = struct.unpack_from("<IIII", body)
        out = struct.pack("<IIIIHHIIHHII24x", major, 31, readahead, flags & (FLAG_BIG_WRITES | FLAG_MAX_PAGES), 16, 12, WRITE_MAX, 1,
                          WRITE_MAX // 4096, 0, 0, 0)
        self.answer(unique, out)

    def request(self):
        try:
            got = os.read(self.device, WRITE_MAX + 4096)
        except OSError as error:
            return error.errno in (errno.EINTR, errno.ENOENT, errno.EAGAIN)  # ENODEV: unmounted
        _, code, unique, node = struct.unpack_from("<IIQQ", got)
        self.serve(code, unique, node, got[40:])
        return code != DESTROY

    def serve(self, code, unique, node, body):
        if code == INIT:
            self.init(unique, body)
        elif code == LOOKUP:
            if body.rstrip(b"\0") != NAME:
                return self.answer(unique, error=errno.ENOENT)
            self.answer(unique, struct.pack("<QQQQII", FILE_NODE, 1, CACHED_SECONDS, CACHED_SECONDS, 0, 0) + self.attributes(FILE_NODE))
        elif code in (GETATTR, SETATTR):
            self.answer(unique, struct.pack("<QII", CACHED_SECONDS, 0, 0) + self.attributes(node))
        elif code in (OPEN, OPENDIR):
            self.answer(unique, struct.pack("<QII", 1, 0, 0))
        elif code == READ:
            _, at, size = struct.unpack_from("<QQI", body)
            self.answer(unique, bytes(self.disk.now[at:at + size]))
        elif code == WRITE:
            _, at, size = struct.unpack_from("<QQI", body)
            self.disk.write(at, body[40:40 + size])
            self.answer(unique, struct.pack("<II", size, 0))
        elif code == FSYNC:
            self.flush(unique)
        elif code == STATFS:
            self.answer(unique, struct.pack("<QQQQQIIII24x", 1, 0, 0, 1, 0, 4096, 255, 4096, 0))
        elif code in (RELEASE, RELEASEDIR, FLUSH, DESTROY):
            self.answer(unique)
        elif code not in (FORGET, BATCH_FORGET, INTERRUPT):
            self.answer(unique, error=errno.ENOSYS)

    def flush(self, unique):
        self.flushes += 1
        if self.at and self.flushes >= self.at and self.disk.left is None:
            self.cut(self.seed)
        if self.disk.left is not None and not self.released:
            self.held.append(unique)
            return
        self.disk.flush()
        self.answer(unique)

    # ---- the scenario's side ----

    def cut(self, seed):
        self.disk.cut(seed)
        print(f"cut {self.flushes} {len(self.disk.unflushed)}", flush=True)

    def order(self, line):
        word, *values = line.split()
        if word == "arm":
            self.flushes, self.at, self.seed = 0, int(values[0]), values[1]
        elif word == "cut":
            self.cut(values[0])
            return
        elif word == "release":
            for unique in self.held:
                self.answer(unique)
            self.held, self.released, self.at = [], True, 0
        elif word == "resume":
            self.disk.resume()
            self.released = False
        print(f"{word} {self.flushes}", flush=True)

    def run(self):
        orders = os.fdopen(0, "rb", buffering=0)
        while True:
            ready = select.select([self.device, orders], [], [])[0]
            if self.device in ready and not self.request():
                return
            if orders in ready:
                line = orders.readline()
                if not line:
                    return
                self.order(line.decode())


def main():
    folder, image = sys.argv[1:3]
    with open(image, "rb") as file:
        disk = Disk(file.read())
    server = Server(folder, disk)
    print("mounted", flush=True)
    server.run()


if __name__ == "__main__":
    main()
