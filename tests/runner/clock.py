"""The clock that programs are shown: tests/clock/ahead.cc, loaded into each. What is built isn't concerned, nor how long a test may take."""
import os
import re

from runner.process import RELEASE

LIBRARY = RELEASE / "lib" / "clock_ahead.so"
SECONDS = {"h": 3600, "d": 86400}


def seconds_ahead(text):
    """Of '+365d', '-2d', '+5h'; nothing if it is none of these."""
    found = re.fullmatch(r"([+-]\d{1,6})([hd])", text)
    return int(found.group(1)) * SECONDS[found.group(2)] if found else None


def environment(text, library=LIBRARY, already=""):
    """What a program's environment needs."""
    return {"LD_PRELOAD": ":".join(filter(None, (str(library), already))), "LETTERLOCK_CLOCK_AHEAD": str(seconds_ahead(text))}


def move(text):
    """For all that this process starts from now on. Whether that could be done."""
    if not LIBRARY.exists() or seconds_ahead(text) is None:
        return False
    os.environ.update(environment(text, already=os.environ.get("LD_PRELOAD", "")))
    return True
