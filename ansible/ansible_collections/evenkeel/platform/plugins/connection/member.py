"""Connection plugin ``evenkeel.platform.member``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: member
short_description: Run commands inside members, through the engine
version_added: 1.0.0
description:
  - Makes C(ansible postgres -m raw -a 'psql -V') run inside the members' containers, as the members' own user.
  - The containers hold what their service needs and nothing more, so most have no Python, and M(ansible.builtin.raw) is
    the module that works in all of them. They are read-only; what is to stay belongs into the stack's YAML.
author:
  - Evenkeel (@evenkeel)
options:
  container:
    description: The member's container.
    type: str
    vars:
      - name: evenkeel_container
"""

import subprocess
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase


class Connection(ConnectionBase):
    """Each command is a ``docker exec``."""

    transport = "evenkeel.platform.member"
    has_pipelining = True

    def _connect(self) -> Connection:
        self._connected = True
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Exit code, output and errors of a shell command."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        return self._docker(["exec", "--interactive", self.get_option("container"), "/bin/sh", "-c", cmd], in_data)

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file into a directory that the member may write (its tmpfs)."""
        super().put_file(in_path, out_path)
        with open(in_path, "rb") as source:
            self._need(["exec", "--interactive", self.get_option("container"), "/bin/sh", "-c", 'cat >"$0"', out_path],
                       source.read(), out_path)

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file out of the member."""
        super().fetch_file(in_path, out_path)
        content = self._need(["exec", self.get_option("container"), "cat", in_path], None, in_path)
        with open(out_path, "wb") as target:
            target.write(content)

    def close(self) -> None:
        """Nothing stays open."""
        self._connected = False

    def _need(self, arguments: list[str], data: bytes | None, what: str) -> bytes:
        code, output, errors = self._docker(arguments, data)
        if code != 0:
            raise AnsibleConnectionFailure(f"{self.get_option('container')}: {what}: {errors.decode().strip()}")
        return output

    def _docker(self, arguments: list[str], data: bytes | None) -> tuple[int, bytes, bytes]:
        extra: dict[str, Any] = {"stdin": subprocess.DEVNULL} if data is None else {"input": data}
        done = subprocess.run(["docker", *arguments], check=False, capture_output=True, **extra)
        return done.returncode, done.stdout, done.stderr
