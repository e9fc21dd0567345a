"""The engine, as far as the proxy of its socket lets us: look at this stack's containers, start and restart them."""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from operations.supervisor import container, events
from operations.supervisor.connection import NobodyAnswersError, Servers
from operations.supervisor.container import Container
from operations.supervisor.events import Event

LOOK_TIMEOUT_S = 5.0
ACT_TIMEOUT_S = 60.0
"""A start on a machine under load takes its time."""


class EngineError(Exception):
    """The engine or its proxy did not do what it was asked for; says why."""


class GoneError(EngineError):
    """There is no such container (any more)."""


@dataclass(frozen=True)
class Listed:
    """One container of the stack in the engine's list."""

    id: str
    name: str
    status: str
    is_member: bool
    schedule: str | None
    labels: Mapping[str, str] = field(default_factory=dict)


class Engine:
    """Speaks to the engine through any of the proxies. For one thread, but ``act`` may be called by several."""

    def __init__(self, proxies: Sequence[str], tls: Callable[[], ssl.SSLContext]) -> None:
        self._proxies = proxies
        self._tls = tls
        self._servers = Servers(proxies, tls, LOOK_TIMEOUT_S)

    def containers(self) -> list[Listed]:
        """Every container of the stack, running or not."""
        return [listed(told) for told in self._get("/containers/json")]

    def inspect(self, name: str) -> Container | None:
        """One container by name; None for what is no member. Raises ``GoneError``."""
        return container.read(self._get(f"/containers/{name}/json"))

    def usage(self, name: str) -> dict[str, Any]:
        """What one container takes of the machine, in the engine's words (its ``stats``). Raises ``GoneError``."""
        return dict(self._get(f"/containers/{name}/stats"))

    def cpus(self, name: str) -> float:
        """How many processors a container may use; 0: as many as there are. Raises ``GoneError``."""
        return float((self._get(f"/containers/{name}/json")["HostConfig"].get("NanoCpus") or 0) / 1e9)

    def act(self, name: str, verb: str) -> bool:
        """``start`` or ``restart``, over a connection of its own. False when it ran already."""
        servers = Servers(self._proxies, self._tls, ACT_TIMEOUT_S)
        try:
            status, body = servers.ask("POST", f"/containers/{name}/{verb}")
        except NobodyAnswersError as error:
            raise EngineError(str(error)) from None
        finally:
            servers.close()
        if status == 304:
            return False
        _checked((status, body))
        return True

    def events(self, since: float, silence_s: float, opened: Callable[[], None] = lambda: None) -> Iterator[Event]:
        """Events from ``since`` (seconds since 1970) on, as they come, after ``opened``; ends with an ``OSError``."""
        response = self._servers.stream(f"/events?since={since:.6f}", silence_s)
        opened()
        try:
            while line := response.readline():
                event = events.read(line)
                if event is not None:
                    yield event
        except (http.client.HTTPException, ValueError) as error:
            raise NobodyAnswersError(str(error)) from error
        finally:
            response.close()

    def _get(self, path: str) -> Any:
        return json.loads(_checked(self._servers.ask("GET", path)))


def listed(told: dict[str, Any]) -> Listed:
    """One entry of the engine's list."""
    labels: dict[str, str] = told.get("Labels") or {}
    return Listed(told["Id"], told["Names"][0].removeprefix("/"), told["State"], "evenkeel.member" in labels,
                  labels.get("evenkeel.schedule"), labels)


def _checked(answer: tuple[int, bytes]) -> bytes:
    status, body = answer
    if status in (200, 201, 204):
        return body
    said = body.decode(errors="replace").strip()
    if status == 403:
        raise EngineError(f"the proxy of the engine's socket refused it: {said}")
    with contextlib.suppress(ValueError, KeyError, TypeError):
        said = str(json.loads(said)["message"])
    raise (GoneError if status == 404 else EngineError)(f"{said} ({status})")
