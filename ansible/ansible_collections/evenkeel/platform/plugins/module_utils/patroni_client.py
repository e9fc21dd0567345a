"""The client that asks Patroni to do something: pause, cloning a member anew, failing over."""

from __future__ import annotations

import inspect
import json
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import patroni_request
from ansible_collections.evenkeel.platform.plugins.module_utils.running import RefusedError
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import StreamError
from ansible_collections.evenkeel.platform.plugins.module_utils.switchover import Postgres


class Patroni(Postgres):
    """Patroni's API of one stack, with its login."""

    def request(self, name: str, method: str, path: str, body: dict[str, Any] | None = None) -> str:
        """What the Patroni of a member said. Raises ``RefusedError`` with it unless it agreed."""
        said = self._streams.need(self.member(name), "python3", "-c", inspect.getsource(patroni_request), method, path,
                                  json.dumps(body) if body is not None else "")
        status, _, text = said.partition(" ")
        if not status.startswith("2"):
            raise RefusedError(f"Patroni of {name} refused ({status}): {text.strip()}")
        return text

    def any_running(self) -> str:
        """A member whose container runs."""
        found = next((member.name for member in self.members if member.running), "")
        if not found:
            raise StreamError(f"no Postgres member runs. Next: make up STACK={self._streams.stack}")
        return found
