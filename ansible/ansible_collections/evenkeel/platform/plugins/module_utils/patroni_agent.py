"""Runs inside the Postgres member that leads, started beforehand over a stream: asks Patroni to switch over.

It is sent as a whole, so it imports nothing of ours. The API's password and the certificates are read where they are;
nothing of them leaves the member or shows in a process list.

Patroni polls once a second whether the Postgres that it stops has stopped, so it would keep the leader key for another
second. As soon as it is proved that this Postgres is down (no postmaster, and its control file says that it shut down
in order) the key is deleted here, if it still is the key that was read before: a primary that is down can't write, and
by its orderly shutdown it waited until its replicas had everything. If that fails, Patroni does it itself a bit later.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

TLS = "/etc/evenkeel/tls"
KEY = "/evenkeel/postgres/leader"
STEP_S = 0.01
STOP_LIMIT_S = 15.0


def b64(text: str) -> str:
    """As etcd's JSON gateway wants keys and values."""
    return base64.b64encode(text.encode()).decode()


def tls() -> ssl.SSLContext:
    """Trusts the platform's authority and shows this member's certificate."""
    made = ssl.create_default_context(cafile=f"{TLS}/ca.pem")
    made.load_cert_chain(f"{TLS}/cert.pem", f"{TLS}/key.pem")
    return made


def login() -> dict[str, str]:
    """The header that opens Patroni's API."""
    import yaml

    with open("/etc/evenkeel/patroni/passwords.yml") as file:
        known = yaml.safe_load(file)["restapi"]["authentication"]
    return {"Authorization": "Basic " + b64(f"{known['username']}:{known['password']}"),
            "Content-Type": "application/json"}


class Etcd:
    """The store that keeps the leader key."""

    def __init__(self) -> None:
        with open("/etc/evenkeel/etcd-endpoints") as file:
            self._endpoints = file.read().split()
        self._tls = tls()

    def ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer of the first member that gives one."""
        error: Exception = RuntimeError("etcd has no endpoints")
        for endpoint in self._endpoints:
            request = urllib.request.Request(endpoint + path, json.dumps(body).encode())  # noqa: S310 (https)
            try:
                with urllib.request.urlopen(request, timeout=2, context=self._tls) as answer:  # noqa: S310
                    return dict(json.loads(answer.read()))
            except OSError as caught:
                error = caught
        raise error

    def leader(self) -> tuple[str, str]:
        """Who leads, and the revision of the key."""
        found = self.ask("/v3/kv/range", {"key": b64(KEY)})["kvs"][0]
        return base64.b64decode(found["value"]).decode(), found["mod_revision"]

    def release(self, leader: str, revision: str) -> bool:
        """Delete the leader key if it still names ``leader`` in ``revision``."""
        conditions = [{"key": b64(KEY), "target": "VALUE", "value": b64(leader)},
                      {"key": b64(KEY), "target": "MOD", "mod_revision": revision}]
        done = self.ask("/v3/kv/txn", {"compare": conditions,
                                       "success": [{"request_delete_range": {"key": b64(KEY)}}]})
        return bool(done.get("succeeded"))


def stopped(data: str, controldata: str) -> bool:
    """Whether the Postgres of this member is down, in order."""
    if Path(data, "postmaster.pid").exists():
        return False
    said = subprocess.run([controldata, "-D", data], capture_output=True, text=True, check=False).stdout
    return any(line.startswith("Database cluster state:") and line.split(":", 1)[1].strip() == "shut down"
               for line in said.splitlines())


def release_when_stopped(etcd: Etcd, leader: str, revision: str, places: dict[str, str], done: list[str]) -> None:
    """Wait for the proof, then let the others elect. Its outcome goes to ``done``."""
    deadline = time.monotonic() + STOP_LIMIT_S
    try:
        while time.monotonic() < deadline:
            if stopped(places["data"], places["controldata"]):
                done.append("released" if etcd.release(leader, revision) else "was released already")
                return
            time.sleep(STEP_S)
        done.append("not stopped in time")
    except (OSError, KeyError, IndexError, ValueError) as error:
        done.append(f"left to Patroni: {error}")


def main() -> None:
    """Get ready, say so, wait for the word, switch over, tell."""
    import yaml

    with open("/etc/evenkeel/patroni/patroni.yml") as file:
        settings = yaml.safe_load(file)["postgresql"]
    places = {"data": settings["data_dir"], "controldata": f"{settings['bin_dir']}/pg_controldata"}
    etcd, headers = Etcd(), login()
    leader, revision = etcd.leader()
    connection = http.client.HTTPSConnection("localhost", 8008, timeout=30, context=tls())
    connection.connect()
    print("ready", flush=True)
    asked = json.loads(sys.stdin.readline())
    done: list[str] = []
    if leader == asked["leader"]:
        arguments = (etcd, leader, revision, places, done)
        threading.Thread(target=release_when_stopped, args=arguments, daemon=True).start()
    try:
        connection.request("POST", "/switchover", json.dumps(asked), headers)
        answer = connection.getresponse()
        said = f"{answer.status} {answer.read().decode()}"
    except (OSError, http.client.HTTPException) as error:
        said = f"no answer: {error}"
    print(json.dumps({"patroni": said, "key": done[0] if done else "not needed"}), flush=True)


if __name__ == "__main__":
    main()
