"""Runs inside a Postgres member: one request to its own Patroni, with the login that is kept there.

It is sent as a whole, so it imports nothing of ours. Arguments: method, path, a JSON body or "". Prints the status and
what Patroni said.
"""

from __future__ import annotations

import base64
import http.client
import ssl
import sys

LIMIT_S = 60


def main() -> None:
    import yaml

    method, path, body = sys.argv[1:4]
    with open("/etc/evenkeel/patroni/passwords.yml") as file:
        known = yaml.safe_load(file)["restapi"]["authentication"]
    login = base64.b64encode(f"{known['username']}:{known['password']}".encode()).decode()
    tls = ssl.create_default_context(cafile="/etc/evenkeel/tls/ca.pem")
    connection = http.client.HTTPSConnection("localhost", 8008, timeout=LIMIT_S, context=tls)
    connection.request(method, path, body or None,
                       {"Authorization": f"Basic {login}", "Content-Type": "application/json"})
    answer = connection.getresponse()
    print(answer.status, answer.read().decode())


if __name__ == "__main__":
    main()
