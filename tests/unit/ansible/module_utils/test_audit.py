"""The audit log: what is noted, and that whoever changes it afterwards is seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils import audit
from ansible_collections.evenkeel.platform.plugins.module_utils.audit import Log

Lines = list[dict[str, Any]]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """Two operations: four lines."""
    made = Log(tmp_path / "audit" / "shop.jsonl")
    for operation in ("up", "switchover.yml"):
        made.end(made.begin("shop", operation, {}), audit.OK)
    return made


def test_an_operation_is_noted_with_who_when_what_and_what_became_of_it(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENKEEL_OPERATOR", "ada")
    log = Log(tmp_path / "shop.jsonl")
    log.end(log.begin("shop", "release.yml", {"image": "shop:2", "strategy": ""}), audit.FAILED, "not healthy")
    began, ended = log.read()
    assert (began["who"], began["operation"], began["stack"], began["with"]) == (
        "ada", "release.yml", "shop", {"image": "shop:2"})
    assert (ended["began"], ended["result"], ended["why"]) == (began["number"], "failed", "not healthy")
    assert began["at"] <= ended["at"] and ended["took_s"] >= 0 and began["host"]


def test_only_its_owner_may_read_it(log: Log) -> None:
    assert log.path.stat().st_mode & 0o777 == 0o600 and log.path.parent.stat().st_mode & 0o777 == 0o700


def test_no_secret_is_kept_and_nothing_long(log: Log) -> None:
    told = audit.told({"db_password": "hunter2", "apiToken": "t", "image": "x" * 1000, "empty": None, "inner": {}})
    assert told == {"db_password": "***", "apiToken": "***", "image": "x" * audit.LONGEST}


def test_a_log_that_nobody_touched_is_whole(log: Log) -> None:
    lines = log.read()
    assert [line["number"] for line in lines] == [1, 2, 3, 4]
    assert audit.flaws(lines, None) == audit.flaws(lines, lines[-1]) == audit.flaws(lines, lines[1]) == []


def rewritten(lines: Lines) -> None:
    """Somebody who knows how seals are made makes all of them anew."""
    lines[0]["who"] = "nobody"
    previous = audit.FIRST
    for place, line in enumerate(lines):
        body = {key: value for key, value in line.items() if key not in ("seal", "previous")}
        lines[place] = audit.sealed(body, previous)
        previous = lines[place]["seal"]


@pytest.mark.parametrize(("tamper", "said"), [
    (lambda lines: lines[1].update(result="failed"), "line 2 was changed"),
    (lambda lines: lines.pop(1), "line 2 does not follow the one before: it is entry 3, not 2"),
    (lambda lines: lines.pop(0), "line 1 does not follow"),
    (lambda lines: lines.insert(1, dict(lines[2])), "line 2 does not follow"),
    (lambda lines: lines.reverse(), "line 1 does not follow"),
    (lambda lines: lines.__delitem__(slice(2, None)), "the end is missing: the platform knows 4 entries, here are 2"),
    (lambda lines: lines.clear(), "the end is missing: the platform knows 4 entries, here are 0"),
    (rewritten, "entry 4 is not the one that the platform knows"),
    (lambda lines: lines.append({"unreadable": "{"}), "line 5 can't be read")],
    ids=["changed", "removed", "beginning-cut", "put-in", "turned-round", "end-cut", "emptied", "rewritten", "garbage"])
def test_whatever_is_done_to_it_shows(log: Log, tamper: Callable[[Lines], None], said: str) -> None:
    lines = log.read()
    kept = dict(lines[-1])
    tamper(lines)
    assert any(flaw.startswith(said) for flaw in audit.flaws(lines, kept)), audit.flaws(lines, kept)


def test_a_writer_that_died_in_the_middle_of_a_line_stops_nobody(log: Log) -> None:
    with log.path.open("a") as file:
        file.write('{"number": 5, "ev')
    log.begin("shop", "down", {})
    *_, broken, last = log.read()
    assert broken == {"unreadable": '{"number": 5, "ev'} and last["number"] == 5
    assert audit.flaws(log.read(), None) == ["line 5 can't be read: its writer died, or somebody changed it"]


def test_two_who_write_at_once_take_turns(tmp_path: Path) -> None:
    log = Log(tmp_path / "shop.jsonl")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: log.begin("shop", f"up {number}", {}), range(40)))
    assert len(log.read()) == 40 and audit.flaws(log.read(), None) == []


def test_a_log_is_called_by_its_first_seal(log: Log, tmp_path: Path) -> None:
    assert audit.name(log.read()) == json.loads(log.path.read_text().splitlines()[0])["seal"][:16]
    assert audit.name(Log(tmp_path / "none.jsonl").read()) == ""
