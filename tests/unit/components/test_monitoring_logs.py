"""What keeps logs: only where it is asked for, without more rights than it needs, and labels of few values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from components.monitoring_logs import LABELS
from components.settings import SettingsError
from components.targets.docker import inputs
from components.workload import LOGS_DIR
from operations.changes.plan import Plan
from tests.support.manifests import render
from tests.support.planned import plan

LOGS: Mapping[str, Any] = {"monitoring": {"logs": {"enabled": True, "retention_days": 3, "buffer_mib": 64}}}
BOTH = {"loki-1", "collector-1"}


@pytest.fixture(scope="module")
def kept() -> Plan:
    return plan(LOGS)


def content(known: Plan, member: str, path: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(known.members[member].files[path].content)
    return read


def test_nothing_of_it_runs_unless_it_is_asked_for() -> None:
    assert not BOTH & plan({}).members.keys()
    assert not BOTH & plan({"monitoring": {"enabled": False, "logs": {"enabled": True}}}).members.keys()


def test_switching_it_on_touches_no_other_container(kept: Plan) -> None:
    before = plan({})
    for name, member in before.members.items():
        assert kept.members[name].container == member.container


def test_only_the_collector_reads_what_others_say_and_it_can_do_nothing_else(kept: Plan) -> None:
    readers = {name for name, member in kept.members.items()
               if any(volume.get("container_path") == LOGS_DIR for volume in member.container["volumes"])}
    assert readers == {"collector-1"} == {name for name, member in kept.members.items()
                                          if member.container["user"] == "0:0"}
    made = kept.members["collector-1"].container
    assert all(volume["read_only"] for volume in made["volumes"] if volume["container_path"] == LOGS_DIR)
    assert made["capabilities"] == {"drops": ["ALL"]} and made["read_only"] and not made["ports"]
    assert not any(file.secret for file in kept.members["collector-1"].files.values())


def test_lines_are_labelled_with_what_the_engine_writes_beside_them(kept: Plan) -> None:
    assert {f"evenkeel.{label}" for label in LABELS} == set(inputs.LOG_LABELS)
    limits = content(kept, "loki-1", "loki.yml")["limits_config"]
    assert limits["otlp_config"]["resource_attributes"]["attributes_config"] == [
        {"action": "index_label", "attributes": list(LABELS)}]
    assert limits["retention_period"] == "72h"


def test_other_stacks_lines_are_left_out(kept: Plan) -> None:
    operators = content(kept, "collector-1", "collector.yml")["receivers"]["file_log"]["operators"]
    others = next(one for one in operators if one["id"] == "others")
    assert others["expr"].endswith('attributes.attrs["evenkeel.stack"] != "test"')


def test_what_waits_is_bounded_and_on_disk(kept: Plan) -> None:
    queue = content(kept, "collector-1", "collector.yml")["exporters"]["otlp_http/loki"]["sending_queue"]
    assert queue["queue_size"] == 64 * 2**20 and queue["sizer"] == "bytes"
    assert queue["storage"] == "file_storage" and queue["block_on_overflow"]


def test_a_cluster_has_its_own() -> None:
    with pytest.raises(SettingsError, match="its own collector"):
        render(LOGS)
