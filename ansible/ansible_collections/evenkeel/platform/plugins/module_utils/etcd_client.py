"""The client that asks and moves etcd, through ``etcdctl`` in a shell inside one of its members."""

from __future__ import annotations

import base64
import json
import shlex

from ansible_collections.evenkeel.platform.plugins.module_utils import etcd
from ansible_collections.evenkeel.platform.plugins.module_utils.shell import Shell
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams, StreamError

PORT = 2379
ETCDCTL = "etcdctl --command-timeout=5s"
ANSWER_S = 10.0
MOVE = """set -a
. /etc/evenkeel/etcd/etcd.env
ETCDCTL_ENDPOINTS=$0
exec /usr/bin/etcdctl move-leader "$1"
"""
"""Only the leader itself moves its leadership; and etcdctl refuses to choose between its environment and an option."""


class Etcd:
    """The etcd cluster of one stack."""

    def __init__(self, streams: DockerStreams) -> None:
        self._streams = streams
        self._shells: dict[str, Shell] = {}
        self.members = streams.of("etcd")

    @property
    def names(self) -> list[str]:
        return [member.name for member in self.members]

    def look(self) -> list[etcd.Status]:
        """The status of every member that answers."""
        said = ""
        for member in self.members:
            if member.running:
                _, said = self._streams.ask(member, "etcdctl", "--command-timeout=3s", "endpoint", "status", "-w",
                                            "json")
                statuses = etcd.read(said)
                if statuses:
                    return statuses
        raise StreamError(f"no etcd member answers: {said or 'none is running'}")

    def move_leader(self, old: str, new: etcd.Status) -> None:
        member = next(member for member in self.members if member.name == old)
        self._streams.need(member, "sh", "-c", MOVE, f"https://{old}:{PORT}", f"{new.id:x}")

    def get(self, key: str) -> dict[str, object] | None:
        """A JSON object kept under ``key``; None when there is none."""
        found = json.loads(self._run("get", key, "-w", "json")).get("kvs")
        return dict(json.loads(base64.b64decode(found[0]["value"]))) if found else None

    def under(self, prefix: str) -> list[dict[str, object]]:
        """The JSON objects of all keys that begin so, in the keys' order."""
        found = json.loads(self._run("get", prefix, "--prefix", "-w", "json")).get("kvs") or ()
        return [dict(json.loads(base64.b64decode(entry["value"]))) for entry in found]

    def put(self, key: str, value: dict[str, object]) -> None:
        """Put ``value``, whatever was there."""
        self._run("put", key, json.dumps(value))

    def create(self, key: str, value: dict[str, object]) -> bool:
        """Put ``value`` unless the key exists; True when it was put."""
        quoted = json.dumps(json.dumps(value))
        return self._transaction(f'create("{key}") = "0"', f"put {key} {quoted}")

    def delete(self, key: str, value: dict[str, object]) -> bool:
        """Delete the key if it still holds ``value``; True when it was deleted."""
        quoted = json.dumps(json.dumps(value))
        return self._transaction(f'value("{key}") = {quoted}', f"del {key}")

    def replace(self, key: str, old: dict[str, object], new: dict[str, object]) -> bool:
        """Put ``new`` if the key still holds ``old``."""
        before, after = (json.dumps(json.dumps(value)) for value in (old, new))
        return self._transaction(f'value("{key}") = {before}', f"put {key} {after}")

    def _transaction(self, condition: str, action: str) -> bool:
        script = f"{condition}\n\n{action}\n\n\n"
        said = self._run_line(f"printf %s {shlex.quote(script)} | {ETCDCTL} txn")
        return said.splitlines()[0].strip() == "SUCCESS"

    def _run(self, *arguments: str) -> str:
        return self._run_line(f"{ETCDCTL} {shlex.join(arguments)}")

    def _run_line(self, line: str) -> str:
        """In the first member that can; its shell is kept for the next line."""
        said = "none is running"
        for member in self.members:
            if not member.running:
                continue
            try:
                if member.name not in self._shells:
                    self._shells[member.name] = Shell(self._streams.open(member, "sh"))
                code, said = self._shells[member.name].ask(line, ANSWER_S)
            except StreamError as error:
                code, said = 1, str(error)
                self._shells.pop(member.name, None)
            if code == 0:
                return said
        raise StreamError(f"no etcd member could do it: {said}")
