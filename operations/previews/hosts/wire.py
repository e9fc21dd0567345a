"""One way to ask a host: bounded in time, patient with its limits, and an error says what to do."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

TIMEOUT_S = 15.0
TRIES = 4
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""Pauses double; what a host asks for counts, up to the longest."""
BUSY = frozenset({500, 502, 503, 504})
UNKNOWN = "Whether it took place is not known.\nNext: run the preview again; a comment that is there is found."


class HostError(Exception):
    """The host did not do it; says what was asked, what it answered, and what to do."""


class NotFoundError(HostError):
    """There is no such thing, or this token may not see it."""


class UnknownOutcomeError(HostError):
    """Nobody can tell whether the host did it."""


class Wire:
    """A host's API. ``pause`` is how to wait, ``clock`` what time it is (seconds since 1970)."""

    def __init__(self, base: str, headers: Mapping[str, str], token_name: str, *,
                 pause: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.time) -> None:
        self._client = httpx.Client(base_url=base, headers=dict(headers), timeout=TIMEOUT_S)
        self._token_name = token_name
        self._pause, self._clock = pause, clock

    def ask(self, method: str, path: str, *, params: Mapping[str, Any] | None = None,
            body: Mapping[str, Any] | None = None) -> httpx.Response:
        """The answer. A time-out, a limit and a fault of the host are waited out, ``TRIES`` times in all; but what
        creates something is asked again only where the host says that it did nothing. Raises ``HostError``."""
        last = ""
        for attempt in range(TRIES):
            wait = min(FIRST_PAUSE_S * 2 ** attempt, LONGEST_PAUSE_S)
            try:
                answer = self._client.request(method, path, params=params, json=body)
            except httpx.TransportError as error:
                last = f"{type(error).__name__}: {error}"
                if method == "POST" and not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
                    raise UnknownOutcomeError(f"{method} {path}: {last}. {UNKNOWN}") from None
            else:
                if answer.is_success:
                    return answer
                last = f"{answer.status_code} {_message(answer)}"
                if (limited := self._limited(answer)) is not None:
                    wait = min(max(limited, FIRST_PAUSE_S), LONGEST_PAUSE_S)
                elif answer.status_code not in BUSY:
                    raise self._refusal(answer, f"{method} {path}: {last}")
                elif method == "POST":
                    raise UnknownOutcomeError(f"{method} {path}: {last}. {UNKNOWN}")
            if attempt + 1 < TRIES:
                self._pause(wait)
        raise HostError(f"{method} {path}: {last}; asked {TRIES} times.\nNext: run the preview again in a while.")

    def pages(self, path: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Everything of a list, following the links to next pages that both hosts give."""
        found: list[dict[str, Any]] = []
        answer = self.ask("GET", path, params=params)
        found += answer.json()
        while url := answer.links.get("next", {}).get("url"):
            there, here = httpx.URL(url), self._client.base_url
            if (there.scheme, there.host, there.port) != (here.scheme, here.host, here.port):
                raise HostError(f"GET {path}: the next page is said to be at {url}, another host: not followed.")
            answer = self.ask("GET", url)
            found += answer.json()
        return found

    def _limited(self, answer: httpx.Response) -> float | None:
        """How long a limited answer asks to wait, in seconds; None: it isn't one."""
        used_up = "0" in (answer.headers.get("x-ratelimit-remaining"), answer.headers.get("ratelimit-remaining"))
        if answer.status_code != 429 and not (answer.status_code == 403 and (
                used_up or "retry-after" in answer.headers or "rate limit" in _message(answer).lower())):
            return None
        if (after := answer.headers.get("retry-after", "")).isdecimal():
            return float(after)
        reset = answer.headers.get("x-ratelimit-reset") or answer.headers.get("ratelimit-reset") or ""
        return float(reset) - self._clock() if reset.isdecimal() else LONGEST_PAUSE_S

    def _refusal(self, answer: httpx.Response, said: str) -> HostError:
        hints = {
            401: f"{self._token_name} is not valid (any more): set a new one.",
            403: f"{self._token_name} may not do this: it needs to write comments of this pull request. A pull request "
                 "of a fork has no such token: the second workflow posts for it (docs/previews.md).",
            404: f"it isn't there, or {self._token_name} may not see it: check the repository and the number.",
            422: "the host takes the request for malformed: this is a fault of ours, or the pull request is locked.",
        }
        kind = NotFoundError if answer.status_code == 404 else HostError
        return kind(f"{said}\nNext: {hints.get(answer.status_code, 'see what the host says above.')}")


def _message(answer: httpx.Response) -> str:
    """The host's own words, on one line."""
    try:
        said = answer.json()
    except ValueError:
        return " ".join(answer.text.split())[:200]
    if not isinstance(said, dict):
        return ""
    return " ".join(str(said.get("message") or said.get("error") or said).split())[:300]
