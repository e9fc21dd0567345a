"""One comment per stack on GitHub and GitLab, against a server that knows their documented APIs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from operations.previews import __main__ as command
from operations.previews import markdown
from operations.previews.hosts import github, gitlab, posting, wire
from operations.previews.hosts.wire import HostError, Wire
from operations.previews.report import Report
from tests.support.review_host import HEAD, TOKEN, Fault, ReviewHost, review_host

MARKER = "<!-- evenkeel-preview project=evenkeel stack=shop -->"
BODY = f"{MARKER}\n### nothing changes\n"
Open = Callable[..., posting.Host]


@pytest.fixture
def server() -> Iterator[ReviewHost]:
    with review_host() as host:
        yield host


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture(params=["github", "gitlab"])
def opened(request: pytest.FixtureRequest, server: ReviewHost, pauses: list[float]) -> Open:
    def connect(token: str = TOKEN) -> posting.Host:
        make = partial(Wire, pause=pauses.append, clock=lambda: 1_000.0)
        if request.param == "github":
            return github.GitHub("o/r", 5, token, api=server.url, make=make)
        return gitlab.GitLab("g/p", 5, token, api=server.url, make=make)

    return connect


def test_the_first_preview_is_posted_and_the_next_edits_it(server: ReviewHost, opened: Open) -> None:
    assert posting.post(opened(), BODY) == "posted"
    assert posting.post(opened(), BODY) == "unchanged"
    assert posting.post(opened(), BODY + "more\n") == "edited"
    assert server.bodies() == [BODY + "more\n"]


def test_it_is_found_over_all_pages(server: ReviewHost, opened: Open) -> None:
    for n in range(230):
        server.add(f"talk {n}", author="someone", author_id=1)
    ours = server.add(BODY)
    for n in range(30):
        server.add(f"more talk {n}", author="someone", author_id=1)
    assert posting.post(opened(), BODY + "new\n") == "edited"
    assert server.comments[ours]["body"].endswith("new\n")
    assert sum("page=" in asked.replace("per_page=", "") for asked in server.asked) == 2


def test_a_marker_of_somebody_else_or_of_another_stack_is_left_alone(server: ReviewHost, opened: Open) -> None:
    server.add(BODY, author="someone", author_id=1)
    server.add(BODY.replace("stack=shop", "stack=shop2"))
    server.add(f"quoted\n{BODY}")
    assert posting.post(opened(), BODY) == "posted"
    assert len(server.comments) == 4


def test_a_comment_deleted_by_hand_is_posted_anew(server: ReviewHost, opened: Open) -> None:
    posting.post(opened(), BODY)
    server.comments.clear()
    assert posting.post(opened(), BODY) == "posted" and server.bodies() == [BODY]


def test_a_comment_deleted_while_it_is_edited_is_posted_anew(server: ReviewHost, opened: Open) -> None:
    server.add(BODY)
    for method in ("PATCH", "PUT"):
        server.faults.append(Fault(404, method=method))
    assert posting.post(opened(), BODY + "x\n") == "posted"
    assert BODY + "x\n" in server.bodies()


def test_two_runs_at_once_leave_one_comment(server: ReviewHost, opened: Open) -> None:
    meet = threading.Barrier(2)
    server.before_create = partial(meet.wait, timeout=10)
    said: list[str] = []
    runs = [threading.Thread(target=lambda: said.append(posting.post(opened(), BODY))) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert server.bodies() == [BODY] and len(said) == 2


def test_a_preview_of_an_older_commit_does_not_replace_a_newer_one(server: ReviewHost, opened: Open) -> None:
    assert posting.post(opened(), BODY, HEAD) == "posted"
    server.head = "b" * 40
    assert "its own run posts" in posting.post(opened(), BODY + "old\n", HEAD)
    assert server.bodies() == [BODY]


@pytest.mark.parametrize(("fault", "expected"), [
    (Fault(429, {"Retry-After": "7"}), 7.0),
    (Fault(403, {"Retry-After": "9"}, "You have exceeded a secondary rate limit"), 9.0),
    (Fault(403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1030"}), 30.0),
    (Fault(429, {"RateLimit-Remaining": "0", "RateLimit-Reset": "1012"}), 12.0),
    (Fault(403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999"}), wire.LONGEST_PAUSE_S),
    (Fault(502, method="GET"), 1.0),
], ids=["429", "secondary", "used-up", "gitlab", "bounded", "bad-gateway"])
def test_limits_and_faults_are_waited_out(server: ReviewHost, opened: Open, pauses: list[float], fault: Fault,
                                          expected: float) -> None:
    server.faults.append(fault)
    assert posting.post(opened(), BODY) == "posted" and pauses == [expected]


def test_who_stays_busy_is_given_up_on(server: ReviewHost, opened: Open, pauses: list[float]) -> None:
    server.faults += [Fault(503, method="GET") for _ in range(9)]
    with pytest.raises(HostError, match=r"503 .*asked 4 times"):
        posting.post(opened(), BODY)
    assert pauses == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(("status", "hint"), [(403, "fork"), (404, "may not see it"), (422, "fault of ours")])
def test_a_refusal_says_what_to_do_and_is_not_repeated(
        server: ReviewHost, opened: Open, pauses: list[float], status: int, hint: str) -> None:
    server.faults.append(Fault(status, message="Resource not accessible by integration"))
    with pytest.raises(HostError, match=hint) as caught:
        posting.post(opened(), BODY)
    assert "Resource not accessible by integration" in str(caught.value) and not pauses


def test_a_wrong_token_is_named(opened: Open) -> None:
    with pytest.raises(HostError, match=r"401 Bad credentials\nNext: GIT(HUB|LAB)_TOKEN is not valid"):
        posting.post(opened("other"), BODY)


def test_a_comment_whose_answer_never_came_is_not_posted_twice(
        server: ReviewHost, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "TIMEOUT_S", 0.3)
    server.faults.append(Fault(500, method="POST", does=True, hang_s=0.8))
    assert posting.post(opened(), BODY) == "posted" and server.bodies() == [BODY]


def test_a_comment_that_may_not_have_been_posted_is_no_success(server: ReviewHost, opened: Open) -> None:
    server.faults.append(Fault(502, method="POST"))
    with pytest.raises(HostError, match="Whether it took place is not known"):
        posting.post(opened(), BODY)
    assert not server.comments


def test_a_time_out_of_a_question_is_asked_again(
        server: ReviewHost, opened: Open, pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "TIMEOUT_S", 0.3)
    server.faults.append(Fault(500, method="GET", hang_s=0.8))
    assert posting.post(opened(), BODY) == "posted" and pauses == [1.0]


def test_a_host_that_is_not_there_is_said(pauses: list[float]) -> None:
    absent = github.GitHub("o/r", 5, TOKEN, api="http://127.0.0.1:9", make=partial(Wire, pause=pauses.append))
    with pytest.raises(HostError, match="ConnectError"):
        posting.post(absent, BODY)


def test_a_next_page_elsewhere_is_not_followed(server: ReviewHost, opened: Open) -> None:
    server.faults.append(Fault(200, {"Link": '<http://evil.example/x>; rel="next"'}, method="GET"))
    with pytest.raises((HostError, TypeError, KeyError, AttributeError)):
        opened().comments()


def typed(server: ReviewHost, folder: Path, *more: str) -> int:
    report = Report(project="evenkeel", stack="shop")
    (folder / "shop.json").write_text(report.model_dump_json())
    return command.main(["post", "--repository", "o/r", "--api", server.url, *more, str(folder)])


def test_reports_are_posted_by_the_command(
        server: ReviewHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    assert typed(server, tmp_path, "--branch", "fork:branch", "--commit", HEAD, "--expected", '["shop", "lab"]') == 0
    assert server.bodies()[0] == markdown.render(Report(project="evenkeel", stack="shop"))
    assert "Preview of `lab` failed" in server.bodies()[1] and "stack lab: posted" in capsys.readouterr().out


@pytest.mark.parametrize(("host", "name"), [("github", "GITHUB_TOKEN"), ("gitlab", "GITLAB_TOKEN")])
def test_a_missing_token_is_named_with_where_to_set_it(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], host: str,
        name: str) -> None:
    monkeypatch.delenv(name, raising=False)
    assert command.main(["post", "--number", "5", "--host", host, str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert f"{name} is not set" in said and ("permissions" in said if host == "github" else "Variables" in said)


def test_what_is_no_report_is_not_posted(
        server: ReviewHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    (tmp_path / "evil.json").write_text('{"project": "p", "stack": "s", "html": "<script>"}')
    assert typed(server, tmp_path, "--number", "5") == 1
    assert "is no report" in capsys.readouterr().err and not server.comments


def test_a_pull_request_is_found_by_what_it_proposes(server: ReviewHost) -> None:
    assert github.number_of("o/r", HEAD, "fork:branch", TOKEN, api=server.url) == 5
    with pytest.raises(HostError, match="no open pull request"):
        github.number_of("o/r", "c" * 40, "fork:branch", TOKEN, api=server.url)
