"""Runs inside the Postgres member that leads, started beforehand over a stream: asks Patroni to switch over.

It is sent as a whole, so it imports nothing of ours. The API's password and the authority are read where they are;
nothing of them leaves the member or shows in a process list.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import sys

AUTHORITY = "/etc/evenkeel/tls/ca.pem"
PASSWORDS = "/etc/evenkeel/patroni/passwords.yml"


def login() -> dict[str, str]:
    """The header that opens Patroni's API."""
    import yaml

    with open(PASSWORDS) as file:
        known = yaml.safe_load(file)["restapi"]["authentication"]
    token = base64.b64encode(f"{known['username']}:{known['password']}".encode()).decode()
    return {"Authorization": f"Basic {token}", "Content-Type": "application/json"}


def main() -> None:
    """Get ready, say so, wait for the word, switch over, tell."""
    headers = login()
    tls = ssl.create_default_context(cafile=AUTHORITY)
    connection = http.client.HTTPSConnection("localhost", 8008, timeout=30, context=tls)
    connection.connect()
    print("ready", flush=True)
    asked = sys.stdin.readline()
    try:
        connection.request("POST", "/switchover", asked.strip(), headers)
        answer = connection.getresponse()
        said = f"{answer.status} {answer.read().decode()}"
    except (OSError, http.client.HTTPException) as error:
        said = f"no answer: {error}"
    print(json.dumps({"patroni": said}), flush=True)


if __name__ == "__main__":
    main()
