"""What has passed a check, and on which contents.

A check is remembered with its key (the tool's version, its options, the command that compiles the source) and the digest of
every file that it read: the source, all that it includes down to the system's headers, the tool's settings. It holds for as
long as each of these is as it was. Paths within the tree are kept relative to it, so that a copy of the memory serves another
checkout. Only what passed is remembered; one file a check, replaced whole, so that a run cut short keeps what it did.
"""
import gzip
import hashlib
import json
import os
import re
import zlib
from pathlib import Path

STATES_MAX = 4  # contents remembered a check: going to and fro between branches costs nothing


class Memory:
    def __init__(self, folder, root):
        self._folder = Path(folder)
        self._root = str(root)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._digests = {}

    def knows(self, name, key):
        key = self._key(key)
        return any(state["key"] == key and state["digest"] == self._digest_of(state["files"]) for state in self._states(name))

    def read(self, paths):
        """The files with their present contents, to be given to remember()."""
        files = [self._relative(path) for path in paths]
        return files, self._digest_of(files)

    def remember(self, name, key, read):
        """Nothing is remembered of files that changed since they were read: it isn't known which content passed."""
        files, digest = read
        if self._digest_of(files) != digest:
            return
        states = [{"key": self._key(key), "digest": digest, "files": files}]
        states += [state for state in self._states(name) if state != states[0]]
        path = self._path(name)
        new = path.with_suffix(f".{os.getpid()}")
        new.write_bytes(gzip.compress(json.dumps(states[:STATES_MAX]).encode(), 6, mtime=0))
        new.replace(path)

    def _states(self, name):
        try:
            return json.loads(gzip.decompress(self._path(name).read_bytes()))
        except (OSError, EOFError, ValueError, zlib.error):  # none yet, or one that was cut short
            return []

    def _path(self, name):
        return self._folder / (re.sub(r"[^\w.-]", "_", name) + ".json.gz")

    def _key(self, key):
        return hashlib.sha256(json.dumps(key).replace(self._root, ".").encode()).hexdigest()

    def _relative(self, path):
        path = os.path.normpath(os.path.join(self._root, path))
        return os.path.relpath(path, self._root) if path.startswith(self._root + "/") else path

    def _digest_of(self, files):
        whole = hashlib.sha256()
        for path in files:
            whole.update(f"{path}\0{self._digest(path)}\n".encode())
        return whole.hexdigest()

    def _digest(self, path):
        """The system's headers are read once a run; the tree's again when size or time changed. One that is gone has none."""
        known = self._digests.get(path)
        if known and path.startswith("/"):
            return known[2]
        try:
            full = os.path.join(self._root, path)
            stat = os.stat(full)
            if known is None or known[:2] != (stat.st_size, stat.st_mtime_ns):
                with open(full, "rb") as file:
                    known = (stat.st_size, stat.st_mtime_ns, hashlib.sha256(file.read()).hexdigest())
                self._digests[path] = known
            return known[2]
        except OSError:
            return ""
