"""Runs inside the Postgres member that leads, started beforehand over a stream: asks Patroni to switch over.

Ready, it says "holds", or "ready" where the member can't hold (its image is an older one). It reads the order, and says
in JSON ``stopping`` as soon as Patroni is about to stop Postgres, which then waits for a line; and at the end
``patroni``, what that answered. Should whoever sends it die, Postgres stops.

It is sent as a whole, so it imports nothing of ours. The API's password and the authority are read where they are;
nothing of them leaves the member or shows in a process list.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import socket
import ssl
import sys
import threading
from pathlib import Path

AUTHORITY = "/etc/evenkeel/tls/ca.pem"
PASSWORDS = "/etc/evenkeel/patroni/passwords.yml"
HOOK, WAITING = "/usr/local/bin/postgres-before-stop", "/run/before-stop.sock"
STEP_S = 0.05


def login() -> dict[str, str]:
    """The header that opens Patroni's API."""
    import yaml

    with open(PASSWORDS) as file:
        known = yaml.safe_load(file)["restapi"]["authentication"]
    token = base64.b64encode(f"{known['username']}:{known['password']}".encode()).decode()
    return {"Authorization": f"Basic {token}", "Content-Type": "application/json"}


def post(connection: http.client.HTTPConnection, order: str, headers: dict[str, str], answers: list[str]) -> None:
    """Ask, and keep the answer, which comes when all is over."""
    try:
        connection.request("POST", "/switchover", order, headers)
        answer = connection.getresponse()
        answers.append(f"{answer.status} {answer.read().decode()}")
    except (OSError, http.client.HTTPException) as error:
        answers.append(f"no answer: {error}")


def hold(hook: socket.socket, asking: threading.Thread) -> None:
    """Until Postgres is about to stop, then until there is a line; no longer than Patroni takes to answer."""
    hook.settimeout(STEP_S)
    while asking.is_alive():
        with contextlib.suppress(TimeoutError):
            held, _ = hook.accept()
            print(json.dumps({"stopping": True}), flush=True)
            sys.stdin.readline()
            held.close()
            return


def main() -> None:
    """Get ready, say so, wait for the word, switch over, tell."""
    headers = login()
    tls = ssl.create_default_context(cafile=AUTHORITY)
    connection = http.client.HTTPSConnection("localhost", 8008, timeout=30, context=tls)
    connection.connect()
    holds, place = Path(HOOK).exists(), Path(WAITING)
    with socket.socket(socket.AF_UNIX) as hook, contextlib.ExitStack() as after:
        if holds:
            place.unlink(missing_ok=True)  # of one that was killed
            hook.bind(WAITING)
            after.callback(place.unlink)
            hook.listen(1)
        print("holds" if holds else "ready", flush=True)
        order, answers = sys.stdin.readline().strip(), []  # type: ignore[var-annotated]
        if not order:
            return
        asking = threading.Thread(target=post, args=(connection, order, headers, answers), daemon=True)
        asking.start()
        if holds:
            hold(hook, asking)
        asking.join()
        print(json.dumps({"patroni": answers[0]}), flush=True)


if __name__ == "__main__":
    main()
