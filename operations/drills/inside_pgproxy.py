"""Runs inside a pgproxy: says whenever the one server changes that writes are passed to, in times of the member's
clock, which it tells first. Imports nothing of ours."""

from __future__ import annotations

import json
import os
import socket
import sys
import time

SOCKET = "/run/haproxy.sock"
STEP_S = 0.04
LOOKS, LOOK_S = 5, 0.02


def say(**told: object) -> None:
    print(json.dumps(told), flush=True)


def primary() -> str:
    """The one server that is up in the backend of the primary; "" when there is none, or more than one."""
    with socket.socket(socket.AF_UNIX) as made:
        made.settimeout(1)
        made.connect(SOCKET)
        made.sendall(b"show servers state primary\n")
        answer = b""
        while piece := made.recv(65536):
            answer += piece
    up = [fields[3] for line in answer.decode().splitlines()
          if len(fields := line.split()) > 5 and fields[0].isdigit() and fields[5] == "2"]
    return up[0] if len(up) == 1 else ""


def main() -> None:
    end, last = time.monotonic() + float(sys.argv[1]), None
    say(pid=os.getpid())
    for _ in range(LOOKS):
        say(clock=time.time())
        time.sleep(LOOK_S)
    while time.monotonic() < end:
        try:
            now = primary()
        except OSError:
            now = ""
        if now != last:
            say(at=time.time(), primary=now)
            last = now
        time.sleep(STEP_S)


if __name__ == "__main__":
    main()
