"""Runs a program whose time of day is off by as many seconds as a file says, from one moment to the next.

``clock.py FILE PROGRAM ARGUMENT ...``. Programs in Go ask no library for the time, so none can be put in its place: the
kernel's page that tells it (vDSO) is hidden from them at their start, and the system call that they make instead is
traced. What they wait for (monotonic time) is left alone.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import sys
import time
from contextlib import suppress

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long
TRACE_ME, PEEK, POKE, CONTINUE, SYSCALL, SET_OPTIONS, SYSCALL_INFO = 0, 2, 5, 7, 24, 0x4200, 0x420E
"""Requests of ptrace(2)."""
WITH_SYSGOOD, WITH_FORKS, WITH_EXEC, WITH_SECCOMP, WITH_EXITKILL = 0x01, 0x02 | 0x04 | 0x08, 0x10, 0x80, 0x100000
EVENT_EXEC, EVENT_SECCOMP = 4, 7
CLOCK_GETTIME = {"x86_64": 228, "aarch64": 113}[os.uname().machine]
REALTIME = 0
AT_SYSINFO_EHDR, AT_IGNORE = 33, 1
ALL_CHILDREN = 0x40000000
FILTER, NO_NEW_PRIVILEGES, SET_FILTER, MODE_FILTER = struct.Struct("HBBI"), 38, 22, 2
EVERY_S = 0.1
"""How often the file is read."""


def traced_calls() -> None:
    """Of this process and what it becomes, only questions for the time of day stop at the tracer."""
    allow, trace = 0x7FFF0000, 0x7FF00000
    lines = [FILTER.pack(0x20, 0, 0, 0),                     # the system call's number
             FILTER.pack(0x15, 0, 3, CLOCK_GETTIME), FILTER.pack(0x20, 0, 0, 16),  # its first argument
             FILTER.pack(0x15, 0, 1, REALTIME), FILTER.pack(0x06, 0, 0, trace), FILTER.pack(0x06, 0, 0, allow)]
    code = ctypes.create_string_buffer(b"".join(lines))
    program = struct.pack("HxxxxxxQ", len(lines), ctypes.addressof(code))
    LIBC.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if LIBC.prctl(SET_FILTER, MODE_FILTER, ctypes.create_string_buffer(program), 0, 0):
        raise OSError(ctypes.get_errno(), "no filter for system calls")


def hide_vdso(child: int) -> None:
    """Its address is in the vector of values that the kernel hands to a program when it starts."""
    size = struct.calcsize("QQ")
    with open(f"/proc/{child}/auxv", "rb") as vector:
        entries = [struct.unpack("QQ", pair) for pair in iter(lambda: vector.read(size), b"") if len(pair) == size]
    whole = b"".join(struct.pack("QQ", *entry) for entry in entries)
    with open(f"/proc/{child}/maps") as maps:
        stack = next(line.split()[0] for line in maps if line.rstrip().endswith("[stack]"))
    low, high = (int(part, 16) for part in stack.split("-"))
    with open(f"/proc/{child}/mem", "r+b", buffering=0) as memory:
        memory.seek(low)
        at = low + memory.read(high - low).index(whole)
        place = at + size * next(n for n, (kind, _) in enumerate(entries) if kind == AT_SYSINFO_EHDR)
        memory.seek(place)
        memory.write(struct.pack("Q", AT_IGNORE))


def main(file: str, command: list[str]) -> int:
    child = os.fork()
    if not child:
        LIBC.ptrace(TRACE_ME, 0, None, None)
        os.kill(os.getpid(), signal.SIGSTOP)
        traced_calls()
        os.execvp(command[0], command)
    os.waitpid(child, 0)
    LIBC.ptrace(SET_OPTIONS, child, None, WITH_SYSGOOD | WITH_FORKS | WITH_EXEC | WITH_SECCOMP | WITH_EXITKILL)
    LIBC.ptrace(CONTINUE, child, None, None)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _: os.kill(child, received))
    offset_s, read_at, asked = 0, 0.0, {}
    info = ctypes.create_string_buffer(128)
    while True:
        try:
            thread, status = os.waitpid(-1, ALL_CHILDREN)
        except ChildProcessError:
            return 0
        if thread == child and (os.WIFEXITED(status) or os.WIFSIGNALED(status)):
            return os.waitstatus_to_exitcode(status)
        if not os.WIFSTOPPED(status):
            continue
        number, event = os.WSTOPSIG(status), status >> 16
        following, delivered = CONTINUE, 0
        if event == EVENT_SECCOMP:
            LIBC.ptrace(SYSCALL_INFO, thread, len(info), info)
            asked[thread] = struct.unpack_from("Q", info.raw, 40)[0]  # where it wants its answer
            following = SYSCALL
        elif number == signal.SIGTRAP | 0x80:
            if time.monotonic() > read_at + EVERY_S:
                read_at = time.monotonic()
                with suppress(OSError, ValueError), open(file) as text:
                    offset_s = int(text.read())
            where = asked.pop(thread, None)
            if where and offset_s:
                LIBC.ptrace(POKE, thread, where, (LIBC.ptrace(PEEK, thread, where, None) + offset_s))
        elif event == EVENT_EXEC and thread == child:
            hide_vdso(child)
        elif not event and number not in (signal.SIGSTOP, signal.SIGTRAP):
            delivered = number
        LIBC.ptrace(following, thread, None, delivered or None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
