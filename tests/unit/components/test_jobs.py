"""Scheduled jobs: what a schedule may say, and what a job is on either target."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.settings import Settings, SettingsError
from components.settings.jobs import check_schedule
from components.targets.docker import images
from components.workload import Effect
from tests.support.manifests import render
from tests.support.mocks import Registered, declare

REPORT = {"schedule": "*/5 * * * *", "command": ["node", "report.js"], "timeout_s": 90, "memory_mib": 128}


@pytest.fixture(autouse=True)
def _images_need_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "entry", lambda _reference: (["tini", "--"], ["serve"]))


def app(**changes: Any) -> dict[str, Any]:
    return {"app": {"credentials": "files", "jobs": {"report": REPORT}, **changes}}


def refusal(job: dict[str, Any], name: str = "report") -> str:
    with pytest.raises(SettingsError) as refused:
        Settings.load({"app": {"jobs": {name: job}}}, stack="test", where="stacks/Pulumi.test.yaml")
    return str(refused.value)


@pytest.mark.parametrize("schedule", [
    "*/5 * * * *", "30 2 * * 1-5", "0 0 1 jan *", "15 6,18 * * SUN", "0-59/10 8-18 * * mon-fri"])
def test_a_schedule_has_five_fields(schedule: str) -> None:
    check_schedule(schedule)


@pytest.mark.parametrize(("schedule", "said"), [
    ("* * * *", "4 fields instead of five"), ("@daily", "1 fields instead of five"), ("0 */2 * * * *", "6 fields"),
    ("61 * * * *", "Bad minute"), ("0 0 30 2 *", "Bad day-of-month"), ("0 0 L * *", "not understood everywhere"),
    ("0 0 * * 5#2", "not understood everywhere"), ("0 0 * * 7", "Sunday is 0"), ("0 0 * * 5-7", "Sunday is 0")])
def test_a_schedule_that_means_nothing_or_not_everywhere_the_same_is_refused(schedule: str, said: str) -> None:
    assert said in refusal({**REPORT, "schedule": schedule})


def test_mistakes_in_a_job_are_explained() -> None:
    assert "did you mean `schedule`?" in refusal({"schedul": "* * * * *", "command": ["x"]})
    assert "app.jobs.report.command" in refusal({"schedule": "* * * * *", "command": []})
    assert "lower-case letters" in refusal(REPORT, name="Nightly Report")
    with pytest.raises(SettingsError, match="would be called the same"):
        Settings.load({"app": {"pools": {"web": {}, "job": {"port": 0}}, "jobs": {"blue": REPORT}}}, stack="test",
                      where="test")


def container(**changes: Any) -> Registered:
    return declare(app(**changes))[0].named("job-report-1")


def test_on_docker_a_job_is_made_labelled_and_not_started() -> None:
    inputs = container().inputs
    assert (inputs["start"], inputs["mustRun"], inputs["restart"]) == (False, False, "no")
    labels = {label["label"]: label["value"] for label in inputs["labels"]}
    assert labels["evenkeel.schedule"] == "*/5 * * * *" and labels["evenkeel.job"] == "report"
    assert inputs["memory"] == 128 and "EVENKEEL_JOB=report" in inputs["envs"]
    assert not any(variable.startswith(("EVENKEEL_COLOUR", "PORT=")) for variable in inputs["envs"])


def test_nothing_else_is_scheduled() -> None:
    recorder, _ = declare(app())
    started = [resource for resource in recorder.of("docker:index/container:Container") if resource.inputs["start"]]
    assert len(started) == len(recorder.of("docker:index/container:Container")) - 1
    assert all(resource.inputs["restart"] == "unless-stopped" for resource in started)


def test_an_up_waits_for_no_job() -> None:
    recorder, platform = declare(app())
    waited = {member["member"] for member in recorder.named("ready").inputs["members"]}
    assert {member.name for workload in platform.workloads for member in workload.members} - waited == {"job-report-1"}


def test_a_run_has_its_time_and_is_asked_before_it_is_killed() -> None:
    assert container(drain_s=20).inputs["entrypoints"] == ["timeout", "-k", "20", "90"]
    by_environment = container(credentials="environment").inputs
    assert by_environment["entrypoints"] == ["/bin/sh", "/etc/evenkeel/launch.sh", "timeout", "-k", "30", "90"]
    assert by_environment["command"][-2:] == ["node", "report.js"]


def test_a_changed_secret_leaves_a_run_alone() -> None:
    _, platform = declare(app())
    [job] = [workload for workload in platform.workloads if workload.name == "job-report"]
    assert {file.effect for file in job.files(job.members[0])} == {Effect.NONE}


def test_a_job_runs_the_applications_image_whatever_colour_serves() -> None:
    colours = {"blue": {"image": "shop:1"}, "green": {"image": "shop:2"}}
    _, platform = declare(app(credentials="files", colours=colours, image="shop:0"))
    images = {workload.name: workload.image for workload in platform.workloads if workload.tier == "app"}
    assert images == {"web-blue": "shop:1", "web-green": "shop:2", "job-report": "shop:0"}
    own = Settings.load({"app": {"jobs": {"report": {**REPORT, "image": "report:3"}}}}, stack="test", where="test")
    assert own.images_in_use()["app.jobs.report.image"] == "report:3"


def test_outputs_say_which_members_are_scheduled() -> None:
    _, platform = declare(app())
    scheduled = {member["member"]: member["schedule"] for member in platform.outputs()["members"]
                 if "schedule" in member}
    assert scheduled == {"job-report-1": "*/5 * * * *"}


def test_on_kubernetes_a_job_is_a_cron_job() -> None:
    rendered = render(app())
    [found] = [manifest for manifest in rendered if manifest["kind"] == "CronJob"]
    spec = found["spec"]
    assert found["metadata"]["name"] == "job-report"
    assert (spec["schedule"], spec["timeZone"], spec["concurrencyPolicy"]) == ("*/5 * * * *", "Etc/UTC", "Forbid")
    assert spec["jobTemplate"]["spec"]["backoffLimit"] == 0
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] > 90 + 30
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["restartPolicy"] == "Never" and "readinessProbe" not in pod["containers"][0]
    assert not [manifest for manifest in rendered if manifest["metadata"]["name"] == "job-report"
                and manifest["kind"] in ("Service", "PodDisruptionBudget", "Deployment")]
    assert "pass-postgres-app" not in json.dumps(found)
