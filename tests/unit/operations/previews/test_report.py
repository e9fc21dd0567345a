"""What a preview says: rows, headline, comment, text, graph; all from two declarations of the real platform."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from typing import Any

import pytest
from markdown_it import MarkdownIt
from pydantic import ValidationError

from operations.changes import effects
from operations.changes.declared import plan
from operations.changes.plan import Plan
from operations.changes.words import Kind
from operations.previews import diffs, graph, markdown, rows, steps, text
from operations.previews.report import Failure, Finding, Report, Row

BASE: Mapping[str, Any] = {"app": {"image": "orders", "credentials": "files"}}
NASTY = "a`|<script>alert(1)</script>\n**b** @octocat #1 [x](http://evil.example) ![y](z) --> ``` ~c"


def report_of(before: Plan, after: Plan, **more: Any) -> Report:
    found = steps.between(before, after)
    return Report(project="evenkeel", stack="shop", members=len(after.members),
                  workloads=rows.workloads(before, after),
                  rows=rows.of(effects.compare(before, after), found, before, after),
                  operations=dict(rows.operations(found)), diff=diffs.of(found), **more)


def changed(**app: Any) -> Report:
    return report_of(plan(BASE), plan({**BASE, "app": {**BASE["app"], **app}}))


def row(**known: Any) -> Row:
    return Row(**{"workload": "web", "kind": Kind.RELOAD, "what": "reloaded", **known})


def test_a_headline_counts_members_the_gravest_first() -> None:
    found = [row(members=("web-1", "web-2")), row(members=("db-1",), kind=Kind.REPLACED),
             row(members=("db-1",)), row(members=("a-1",), kind=Kind.REMOVED)]
    assert rows.headline(found) == "1 deleted, 1 replaced one at a time, 2 reload"
    assert rows.headline([row(members=("web-1",))]) == "0 deleted, 0 replaced one at a time, 1 reload"


def test_deletions_and_replacements_come_before_the_rest() -> None:
    found = changed(colours={"blue": {"workers": 1}}, environment={"A": "b"}).rows
    assert [one.kind for one in found][:2] == [Kind.OUTAGE, Kind.REMOVED]
    assert found[1].members == ("web-blue-2",) and found[1].pulumi == ("delete container", "delete files")
    assert found[1].tier == "app"


def test_words_of_the_platform_stand_before_words_of_pulumi() -> None:
    comment = markdown.render(changed(environment={"A": "b"}))
    line = next(line for line in comment.splitlines() if "web-blue-1" in line)
    assert line == ("| app | `web-blue-1`, `web-blue-2` | replaced, one member at a time | the next one only after the "
                    "former serves again | environment variables | update container x 2 |")


def test_a_data_volume_that_goes_is_said_first() -> None:
    old = [steps.Step(f"redis-{n}-data", "pulumi-python:dynamic:Resource", "delete",
                      {"volume": "v", "labels": {"evenkeel.member": f"redis-{n}", "evenkeel.tier": "redis"}}, {}, True)
           for n in (1, 2)]
    found = rows.of([], old, Plan({}), Plan({}))
    assert [(one.members, one.what, one.kind) for one in found] == [
        (("redis-1-data", "redis-2-data"), "refused: the data would be lost", Kind.REFUSED)]


def test_nothing_changed_says_so() -> None:
    comment = markdown.render(report_of(plan(BASE), plan(BASE)))
    assert "### Preview of `shop`: nothing changes" in comment and "<details>" not in comment
    assert "Nothing that runs is touched." in text.render(report_of(plan(BASE), plan(BASE)))


def test_a_new_stack_is_folded() -> None:
    comment = markdown.render(report_of(Plan({}), plan(BASE), compared="nothing"))
    title, _, rest = comment.partition("<details>")
    assert "a new stack, 30 members added" in title and "|" not in title and "| added |" in rest


def test_the_same_input_gives_the_same_comment_whatever_the_order() -> None:
    after = plan({**BASE, "redis": {"max_clients": 9000}, "edge": {"haproxy": {"queue": 9}}})
    found = list(steps.between(plan(BASE), after))
    comments = set()
    for seed in range(5):
        random.Random(seed).shuffle(found)
        ordered = sorted(found, key=lambda step: (step.tier, step.member, step.name, step.type))
        comments.add(diffs.of(ordered))
    assert len(comments) == 1


def test_ten_thousand_lines_of_diff_are_cut_and_the_rest_is_named() -> None:
    long = "".join(f"+line {n}\n" for n in range(10_000))
    comment = markdown.render(Report(project="p", stack="s", diff=long), "`s.diff`")
    assert len(comment) <= markdown.LONGEST
    assert "full diff, 10,000 lines" in comment and re.search(r"\.\.\. 8,\d{3} more lines in `s\.diff`", comment)
    assert comment.rstrip().endswith("</sub>"), "what comes after the diff is still there"


def test_a_comment_never_outgrows_what_a_host_takes() -> None:
    many = tuple(row(workload=f"w{n}", members=tuple(f"w{n}-{m}" for m in range(60)), because=("x" * 900,) * 50)
                 for n in range(300))
    findings = tuple(Finding(rule="r", level="mandatory", message="m" * 900) for _ in range(200))
    comment = markdown.render(Report(project="p", stack="s", rows=many, findings=findings, diff="+x\n" * 90_000))
    assert len(comment) <= markdown.LONGEST


def html(source: str) -> str:
    return str(MarkdownIt("commonmark", {"html": True}).enable("table").render(source))


def test_no_name_is_markup() -> None:
    nasty = Report(project="p", stack="s", rows=(row(workload=NASTY, members=(NASTY,), because=(NASTY,), tier=NASTY),),
                   diff=f"+{NASTY}\n+`````\n", by_hand=(NASTY,),
                   findings=(Finding(rule=NASTY, level="advisory", message=NASTY),),
                   failure=Failure(what=NASTY, means=NASTY, then=NASTY, error=f"{NASTY}\n```\n# title"))
    comment = markdown.render(nasty)
    shown = html(comment)
    assert "<script" not in shown and "<a " not in shown and "<img" not in shown
    assert "<h1" not in shown and "<strong>b</strong>" not in shown
    for name in ("@octocat", "#1", "http://evil"):
        outside = re.sub(r"<(code|pre)[^>]*>.*?</\1>", "", shown, flags=re.DOTALL)
        assert name not in outside, f"{name} would be a mention, a reference or a link"
    assert all(line.count("|") in (7, 4) for line in comment.splitlines() if line.startswith("| "))


def test_a_picture_can_not_be_broken_out_of() -> None:
    picture = graph.mermaid([row(workload='w"]; click x "javascript:alert(1)"', members=("w-1",), tier="```\nend")], [])
    assert '"]; click' not in picture and "```" not in picture and picture.count("subgraph") == 1


def test_the_picture_is_stable_and_shows_only_what_changes_and_its_callers() -> None:
    found = changed(environment={"A": "b"})
    picture = graph.mermaid(found.rows, found.workloads)
    assert picture == graph.mermaid(tuple(reversed(found.rows)), tuple(reversed(found.workloads)))
    assert 'web-blue<br/>2 replaced one at a time"]:::turns' in picture
    assert "w_haproxy --> w_web_2d_blue" in picture and "etcd" not in picture
    assert "green" not in picture, "what isn't there is not drawn"


def test_a_marker_ends_where_it_should() -> None:
    assert markdown.marker("p", "a --> b").count("-->") == 1


def test_a_failure_half_way_shows_what_is_known_until_then() -> None:
    failure = Failure(what="Pulumi ended with an error.", means="It is incomplete.", then="Read it.", error="boom")
    half = changed(environment={"A": "b"}).model_copy(update={"failure": failure})
    comment = markdown.render(half)
    assert "failed half-way; until then: 0 deleted, 2 replaced one at a time" in comment
    assert comment.index("boom") < comment.index("web-blue-1")
    assert not half.passed and "Known until then:" in text.render(half)


def test_a_broken_rule_is_told_from_a_finding() -> None:
    finding = Finding(rule="limits-set", level="mandatory", message="KeyError: 'x'", broken=True)
    comment = markdown.render(Report(project="p", stack="s", findings=(finding,)))
    assert "the rule itself failed, so nothing is known: KeyError" in comment


@pytest.mark.parametrize("change", [
    {"rows": [{"workload": "w" * 300, "kind": "reload", "what": "x"}]}, {"surprise": 1}, {"version": 2},
    {"rows": [{"workload": "w", "kind": "explodes", "what": "x"}]}, {"diff": "x" * 4_000_001},
])
def test_a_report_of_somebody_else_is_checked(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Report.model_validate({"project": "p", "stack": "s", **change})


def test_a_report_survives_its_json() -> None:
    made = changed(environment={"A": "b"})
    assert Report.model_validate_json(made.model_dump_json()) == made


def test_secret_files_are_named_and_never_shown() -> None:
    files = {"files": {"a.conf": "one\n"}, "labels": {"evenkeel.member": "w-1"}}
    step = steps.Step("w-1-config", "t", "update", {**files, "secretFiles": {"key": "[secret]", "same": "[secret]"}},
                      {**files, "secretFiles": {"key": "changed", "same": "[secret]", "new": "[secret]"}})
    assert diffs.of([step]).splitlines()[1:] == ["! key: [secret] (changed, not shown)", "+ new: [secret]"]


def test_files_are_compared_line_by_line() -> None:
    old, new = ({"files": {"h.cfg": f"global\n  a\n  b\n  queue {n}\n  c\n"}, "secretFiles": {}} for n in (8, 9))
    assert diffs.of([steps.Step("h-1-config", "t", "update", old, new)]).splitlines()[1:] == [
        "  h.cfg", "  ...", "   a", "   b", "-  queue 8", "+  queue 9", "   c"]
