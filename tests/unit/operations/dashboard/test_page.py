"""The page of what is seen: self-contained, escaped, with a link to every runbook; and the server that serves it."""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import docker.errors
import pytest

from operations.dashboard import __main__ as command
from operations.dashboard import page, server
from operations.dashboard.server import Source
from operations.monitoring import api
from operations.setup.errors import SetupError
from tests.support.sights import LOST_MASTER, SETTINGS, SLOW_QUERY, MadeUp, member, seen


def made(made_up: MadeUp, *, served: bool = True, refreshes: bool = True) -> str:
    return page.whole(page.told(page.View(seen(made_up), SETTINGS, served)), refreshes=refreshes)


def test_it_needs_nothing_from_elsewhere() -> None:
    text = made(SLOW_QUERY)
    assert not re.findall(r'(?:src|href)="(?:https?:)?//|@import|url\(', text)
    assert "prefers-color-scheme: dark" in text and 'name="viewport"' in text


def test_the_first_sentence_says_where_to_look() -> None:
    assert "Nothing is unusual." in made(MadeUp())
    head = re.search(r"<h1>(.*?)</h1>", made(SLOW_QUERY))
    assert head and head[1].startswith('Look here first: <a href="#postgres">Postgres</a>. Longest transaction')
    head = re.search(r"<h1>(.*?)</h1>", made(LOST_MASTER))
    assert head and "redis-2 (redis, domain b) is down, it was master" in head[1]


def test_every_hop_figure_and_member_is_on_it() -> None:
    text = made(LOST_MASTER)
    for place in ("edge", "app", "pool", "postgres", "redis", "machine"):
        assert f'id="{place}"' in text and f'href="#{place}"' in text
    assert text.count('<span class="member') == 30 and 'class="member down"><b>redis-2</b>' in text
    assert "was master" in text and "5 of 6 up" in text
    assert text.count('<svg class="plot"') == 3 and "60 %" in text


def test_what_is_unusual_is_marked_where_it_stands() -> None:
    assert '<span class="row critical"><i>postgres-1, app</i>12.4 s</span>' in made(SLOW_QUERY)
    assert 'class="row critical"' not in made(MadeUp()) and 'class="row warning"' not in made(MadeUp())


def test_names_and_sentences_are_escaped() -> None:
    text = made(MadeUp({"memory": [(member("<b>&redis"), 99)]},
                       alerts=[("Own", "warning", "app", "", "<script>alert(1)</script>")]))
    assert "<script>alert" not in text and "<b>&redis" not in text
    assert "&lt;script&gt;alert(1)" in text and "&lt;b&gt;&amp;redis" in text


def test_what_prometheus_refuses_is_told_and_the_rest_is_shown() -> None:
    class Refusing(MadeUp):
        def several(self, questions: Sequence[api.Question]) -> list[api.Told]:
            return [api.Told(why="bad answer_times") if "histogram_quantile" in question.parameters.get("query", "")
                    else told for question, told in zip(questions, super().several(questions), strict=True)]

    text = made(Refusing())
    assert "figure worker could not be computed: bad answer_times" in text and "web-blue-1" in text


def test_without_requests_it_says_so_instead_of_inventing_figures() -> None:
    text = made(MadeUp({"worker": [], "statement": [(member("pgbouncer-1"), float("nan"))]}))
    assert text.count("no requests just now") == 2


class Gone(MadeUp):
    """Ends under a question."""

    def several(self, questions: Sequence[api.Question]) -> list[api.Told]:
        raise docker.errors.NotFound("no such container")


@pytest.fixture
def lines() -> list[MadeUp]:
    """What Prometheus is at each connect, in turn."""
    return [LOST_MASTER]


@pytest.fixture
def source(lines: list[MadeUp], monkeypatch: pytest.MonkeyPatch) -> Source:
    monkeypatch.setattr(server, "EVERY_S", 0)
    return Source("shop", SETTINGS, served=True, connect=lambda _stack: lines.pop(0))  # type: ignore[arg-type,return-value]


@pytest.fixture
def port(source: Source) -> Iterator[int]:
    serving = server.serve(source, 0)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    yield serving.server_port
    serving.shutdown()
    serving.server_close()


def get(port: int, path: str, host: str = "") -> tuple[int, Any, str]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    line.request("GET", path, headers={"Host": host} if host else {})
    answer = line.getresponse()
    return answer.status, answer.headers, answer.read().decode()


def test_the_page_comes_with_its_first_figures_and_asks_for_the_next(port: int) -> None:
    status, headers, text = get(port, "/")
    assert status == 200 and headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "Look here first" in text and "fetch('data.json'" in text
    told = json.loads(get(port, "/data.json")[2])
    assert told["title"] == "shop: 96 of 100" and not told["stale"] and set(told["parts"]) == set(page.PARTS)
    assert all(f'<div id="{part}">' in text for part in told["parts"])


def test_runbooks_can_be_read_beside_it_and_nothing_else(port: int) -> None:
    _, _, text = get(port, "/")
    links = set(re.findall(r'href="(/[^"]+)"', text))
    assert "/docs/runbooks/redis-master-lost.md" in links
    assert all(get(port, link)[0] == 200 for link in links)
    for path in ("/docs/runbooks/../../stacks/Pulumi.local.yaml", "/docs/runbooks/nothing.md", "/x"):
        assert get(port, path)[0] == 404


@pytest.mark.parametrize(("made_up", "status", "score"), [
    (MadeUp(), 200, 100), (MadeUp(down=["redis-2"], score=96), 200, 96), (Gone(), 503, None), (MadeUp(score=40, alerts=[
        ("NoPrimary", "critical", "postgres", "", "Postgres has no primary")]), 503, 40)],
    ids=["well", "a-member-is-down", "prometheus-is-away", "critical"])
def test_programs_are_told_the_health_and_why(lines: list[MadeUp], port: int, made_up: MadeUp, status: int,
                                              score: float | None) -> None:
    lines[:] = [made_up]
    answered, headers, text = get(port, "/health")
    told = json.loads(text)
    assert (answered, headers["Content-Type"], told["score"]) == (status, "application/json", score)
    assert told["says"] if score is None else {reason["says"] for reason in told["reasons"]} >= {
        alert[-1] for alert in made_up.alerts}


def test_only_a_browser_that_meant_us_is_answered(port: int) -> None:
    assert get(port, "/data.json", "evil.example:80")[0] == 403
    assert get(port, "/data.json", f"localhost:{port}")[0] == 200


def test_while_prometheus_is_away_what_was_shown_is_called_old_and_then_it_goes_on(lines: list[MadeUp],
                                                                                   source: Source) -> None:
    lines[:] = [Gone(), MadeUp()]
    told = source.told()
    assert told["stale"] and set(told["parts"]) == {"notice"} and "no such container" in told["parts"]["notice"]
    told = source.told()
    assert not told["stale"] and told["parts"]["notice"] == "" and "Nothing is unusual" in told["parts"]["head"]


def test_many_who_look_ask_once(lines: list[MadeUp], monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source("shop", SETTINGS, served=True, connect=lambda _stack: lines.pop(0))  # type: ignore[arg-type,return-value]
    assert source.told() is source.told()


def test_a_port_that_is_taken_is_told_with_another(port: int, source: Source) -> None:
    with pytest.raises(SetupError) as raised:
        server.serve(source, port)
    assert f"make dashboard PORT={port + 1}" in str(raised.value)


def test_a_snapshot_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "Source", lambda stack, settings, served: Source(
        stack, settings, served=served, connect=lambda _stack: SLOW_QUERY))  # type: ignore[arg-type,return-value]
    file = tmp_path / "new" / "page.html"
    assert command.main([f"FILE={file}", "STACK=local"]) == 0
    text = file.read_text()
    assert "Look here first" in text and "<script" not in text
    assert "<code>docs/runbooks/pool-full.md</code>" in text, "nobody serves the runbook"


@pytest.mark.parametrize(("arguments", "said"), [
    (["PORT=many"], "PORT=many"), (["PORT=0"], "1 to 65535"), (["STACK=local"], "make up STACK=local")])
def test_what_can_not_be_done_is_said(arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch,
                                      capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(api.engine_state, "containers", lambda _stack: [])
    assert command.main(arguments) == 2
    assert said in capsys.readouterr().out
