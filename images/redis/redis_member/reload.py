"""Reload: what changed in a member's files, brought into the running server without dropping a connection.

A password is rotated in two steps, since this logs in with the file's password: first the new hash beside the old one
in ``users.acl``, then the new password in ``platform.password`` and ``replication.conf``.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from redis_member.resp import Connection, ReplyError
from redis_member.settings import Settings

RUNTIME_FILES = ("runtime.conf", "replication.conf")
SECRET_PARAMETERS = frozenset({"masterauth"})


def run(settings: Settings) -> int:
    """Apply the files; prints what changed. Returns 1, with the reason on stderr, when Redis refused a value (then none
    of the parameters changed) or does not answer."""
    try:
        server = Connection("localhost", settings, settings.tls())
        for line in [*apply_parameters(server, settings), *apply_users(server, settings.directory / "users.acl")]:
            print(f"reload: {line}")
        server.close()
    except (OSError, ReplyError) as error:
        print(f"reload: {error}", file=sys.stderr)
        return 1
    return 0


def read_parameters(path: Path) -> dict[str, str]:
    """Parameters of a config file: ``name value``, several words joined by spaces."""
    parameters = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        words = shlex.split(line, comments=True)
        if words:
            parameters[words[0].lower()] = " ".join(words[1:])
    return parameters


def apply_parameters(server: Connection, settings: Settings) -> list[str]:
    """One CONFIG SET for all, which Redis takes as a whole or not at all. It reads TLS files again, too."""
    wanted: dict[str, str] = {}
    for name in RUNTIME_FILES:
        wanted |= read_parameters(settings.directory / name)
    tls = {f"tls-{kind}-file": str(settings.directory / "tls" / name)
           for kind, name in (("ca-cert", "ca.pem"), ("cert", "cert.pem"), ("key", "key.pem"))}
    before = _parameters(server, wanted)
    server.call("CONFIG", "SET", *(word for pair in (wanted | tls).items() for word in pair))
    after = _parameters(server, wanted)
    return [f"{name} changed" if name in SECRET_PARAMETERS else f"{name}: {before[name]} -> {after[name]}"
            for name in wanted if before.get(name) != after.get(name)]


def _parameters(server: Connection, names: dict[str, str]) -> dict[str, str]:
    reply = server.call("CONFIG", "GET", *names)
    return dict(zip(reply[::2], reply[1::2], strict=True))


def read_users(path: Path) -> dict[str, list[str]]:
    """Rules by user of an ACL file. Each line is ``user <name> <rule>...``."""
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return {words[1]: words[2:] for words in lines}


def apply_users(server: Connection, path: Path) -> list[str]:
    """ACL SETUSER for each user and ACL DELUSER for those no longer there. ACL LOAD would do both, but Redis 7.0 then
    drops the connections of everybody, replicas included."""
    wanted = read_users(path)
    before = _users(server)
    for name, rules in wanted.items():
        server.call("ACL", "SETUSER", name, *rules)
    gone = sorted(set(before) - set(wanted))
    if gone:
        server.call("ACL", "DELUSER", *gone)
    after = _users(server)
    return [f"user {name} {'changed' if name in before else 'added'}" for name in wanted
            if before.get(name) != after.get(name)] + [f"user {name} removed" for name in gone]


def _users(server: Connection) -> dict[str, str]:
    return {line.split()[1]: line for line in server.call("ACL", "LIST")}
