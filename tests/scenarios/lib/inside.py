"""Calls of the kernel made by a process that runs already, as code that has taken it over would make them.

One of its threads is held with ptrace, made to run a single `syscall` instruction with registers of ours, and let go as if a signal had
interrupted it. Needs root, and x86-64.
"""
import ctypes
import os
import struct

ATTACH, DETACH, STEP, PEEK, POKE, GETREGS, SETREGS = 16, 17, 9, 2, 5, 12, 13
WALL = 0x40000000
NAMES = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base ds es fs gs").split()
NUMBERS = {"open": 2, "mprotect": 10, "socket": 41, "bind": 49, "listen": 50, "clone": 56, "fork": 57, "execve": 59, "kill": 62, "truncate": 76,
           "mkdir": 83,
           "unlink": 87, "ptrace": 101, "setuid": 105, "mount": 165, "tgkill": 234, "bpf": 321}
SYSCALL = b"\x0f\x05"
EINTR = 4

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def ptrace(what, thread, address=0, data=0):
    ctypes.set_errno(0)
    answer = libc.ptrace(what, thread, address, data)
    if answer == -1 and ctypes.get_errno():
        raise OSError(ctypes.get_errno(), f"ptrace {what}")
    return answer


class Inside:
    def __init__(self, process_id):
        self.thread = process_id  # the main thread's id; it sleeps in the kernel, behind a syscall instruction

    def __enter__(self):
        ptrace(ATTACH, self.thread)
        os.waitpid(self.thread, WALL)
        self.kept = self.registers()
        return self

    def __exit__(self, *_):
        # Whatever it waited for is asked for again, as after a signal.
        self.set({**self.kept, "rax": (1 << 64) - EINTR, "orig_rax": (1 << 64) - 1})
        ptrace(DETACH, self.thread)

    def registers(self):
        raw = ctypes.create_string_buffer(8 * len(NAMES))
        ptrace(GETREGS, self.thread, 0, ctypes.addressof(raw))
        return dict(zip(NAMES, struct.unpack(f"{len(NAMES)}Q", raw.raw)))

    def set(self, registers):
        raw = ctypes.create_string_buffer(struct.pack(f"{len(NAMES)}Q", *(registers[name] for name in NAMES)))
        ptrace(SETREGS, self.thread, 0, ctypes.addressof(raw))

    def put(self, address, octets):
        octets += b"\0" * (-len(octets) % 8)
        for at in range(0, len(octets), 8):
            ptrace(POKE, self.thread, address + at, struct.unpack("q", octets[at:at + 8])[0] & ((1 << 64) - 1))

    def call(self, name, *arguments):
        """What the kernel answers: a result, or minus the number of an error. Octets are passed by address."""
        at = self.kept["rip"] - len(SYSCALL)
        if struct.pack("q", ptrace(PEEK, self.thread, at))[:2] != SYSCALL:
            raise RuntimeError("the thread doesn't sleep in the kernel")
        words, free = [], self.kept["rsp"] - 8192
        for argument in arguments:
            if isinstance(argument, bytes):
                self.put(free, argument + b"\0")
                words.append(free)
                free += len(argument) + 16 & ~7
            else:
                words.append(argument & ((1 << 64) - 1))
        words += [0] * (6 - len(words))
        self.set({**self.kept, **dict(zip(("rdi", "rsi", "rdx", "r10", "r8", "r9"), words)), "rip": at, "rax": NUMBERS[name],
                  "orig_rax": (1 << 64) - 1})
        ptrace(STEP, self.thread)
        os.waitpid(self.thread, WALL)
        result = self.registers()["rax"]
        return result - (1 << 64) if result >= 1 << 63 else result
