"""The build's own compile commands, for what compiles without it."""
import shlex

# What CMake adds for a precompiled header: the flag, then as many words behind it.
PRECOMPILED = {"-Winvalid-pch": 0, "-include-pch": 2, "-include": 2}


def words_of(command):
    """A command's words without the launchers before it, and without the precompiled header: a file includes what it uses."""
    words = shlex.split(command)
    first = next(at for at, word in enumerate(words) if "clang++" in word)
    words, kept = words[first:], []
    at = 0
    while at < len(words):
        if words[at] == "-Xclang" and words[at + 1] in PRECOMPILED:
            at += 2 + PRECOMPILED[words[at + 1]]
        elif words[at] in PRECOMPILED and PRECOMPILED[words[at]] == 0:
            at += 1
        else:
            kept.append(words[at])
            at += 1
    return kept
