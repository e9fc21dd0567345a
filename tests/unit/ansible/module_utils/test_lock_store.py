"""Taking the platform's lock: at once where nobody has it, over from a run that is gone, never from one that lives."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils import etcd_client, lock, lock_store
from ansible_collections.evenkeel.platform.plugins.module_utils.running import RefusedError

OTHER = {"who": "ada", "host": "deck", "process": 7, "began": "1", "reason": "release.yml", "since": "noon"}


class Store:
    """etcd with one key; ``questions`` counts round trips."""

    def __init__(self, held: dict[str, Any] | None) -> None:
        self.held, self.questions = held, 0

    def create(self, _key: str, value: dict[str, Any]) -> bool:
        self.questions += 1
        if self.held is not None:
            return False
        self.held = value
        return True

    def get(self, _key: str) -> dict[str, Any] | None:
        self.questions += 1
        return self.held

    def replace(self, _key: str, old: dict[str, Any], new: dict[str, Any]) -> bool:
        self.questions += 1
        if self.held != old:
            return False
        self.held = new
        return True


class Streams:
    stack = "test"


def take(monkeypatch: pytest.MonkeyPatch, store: Store, *, check_mode: bool = False) -> lock_store.Outcome:
    monkeypatch.setattr(etcd_client, "Etcd", lambda _streams: store)
    streams: Any = Streams()
    return lock_store.take(streams, "a test", check_mode)


def test_what_nobody_has_is_taken_in_one_question(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(None)
    assert take(monkeypatch, store).changed
    assert store.questions == 1 and store.held and store.held["reason"] == "a test"
    assert not take(monkeypatch, store).changed, "it is ours already"


def test_a_dry_run_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(None)
    assert take(monkeypatch, store, check_mode=True).changed and store.held is None


def test_what_somebody_has_is_refused_and_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(dict(OTHER))
    for check_mode in (False, True):
        with pytest.raises(RefusedError, match="ada on deck"):
            take(monkeypatch, store, check_mode=check_mode)
    assert store.held == OTHER


def test_what_a_run_left_that_is_gone_is_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "stale", lambda *_: True)
    store = Store(dict(OTHER))
    outcome = take(monkeypatch, store)
    assert outcome.changed and "taken over" in outcome.said[0] and store.held and store.held["reason"] == "a test"
