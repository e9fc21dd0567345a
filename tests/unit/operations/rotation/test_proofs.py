"""A step is finished when every server answers as it should, and not before."""

from __future__ import annotations

from typing import Any, cast

import pytest

from operations.rotation import inside, proofs
from operations.rotation.proofs import ProofError, Question


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proofs, "PAUSE_S", 0.001)
    monkeypatch.setattr(proofs, "PATIENCE_S", 0.05)


def question(what: str, *, wanted: bool = True) -> Question:
    return Question(what, cast("Any", what), ("sh",), "a script with a secret", wanted)


def answering(monkeypatch: pytest.MonkeyPatch, *answers: tuple[int, str]) -> None:
    """Answers in turn, the last one for ever."""
    left = list(answers)
    monkeypatch.setattr(inside, "run", lambda *_: left.pop(0) if len(left) > 1 else left[0])


def test_all_answers_are_wanted_before_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(proofs, "PATIENCE_S", 60)
    answering(monkeypatch, (1, "WRONGPASS"), (1, "WRONGPASS"), (0, "PONG"))
    proofs.require([question("redis-1 accepts redis-cache")], said.append)
    assert said == ["waiting until redis-1 accepts redis-cache"], "said once"


def test_a_server_that_stays_of_another_opinion_is_named_with_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, (1, "first line\nWRONGPASS invalid username-password pair"))
    with pytest.raises(ProofError) as failed:
        proofs.require([question("redis-1 accepts redis-cache")], lambda _: None)
    assert str(failed.value) == "  not so: redis-1 accepts redis-cache: WRONGPASS invalid username-password pair"


def test_an_old_value_that_still_opens_a_door_fails_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, (0, "PONG"))
    with pytest.raises(ProofError, match="redis-1 refuses the old redis-cache: PONG"):
        proofs.require([question("redis-1 refuses the old redis-cache", wanted=False)], lambda _: None)


def test_a_server_that_is_down_has_refused_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, (1, "Could not connect to Redis"))
    with pytest.raises(ProofError, match="Could not connect"):
        proofs.require([question("redis-1 refuses the old redis-cache", wanted=False)], lambda _: None)
    answering(monkeypatch, (1, "WRONGPASS invalid username-password pair"))
    proofs.require([question("redis-1 refuses the old redis-cache", wanted=False)], lambda _: None)


def test_a_member_that_cannot_be_asked_has_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: Any) -> tuple[int, str]:
        raise OSError("connection reset")

    monkeypatch.setattr(inside, "run", lost)
    with pytest.raises(ProofError, match="it can't be asked: connection reset"):
        proofs.require([question("redis-1 refuses the old redis-cache", wanted=False)], lambda _: None)
