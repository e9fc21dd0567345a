"""Tracing: off it changes nothing, on it is one pipe from the edge to Jaeger, and nobody waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from components.settings import SettingsError
from operations.changes.plan import Plan
from tests.support.manifests import render
from tests.support.planned import plan

TRACES: Mapping[str, Any] = {"monitoring": {"traces": {"enabled": True, "share": 0.25, "slow_s": 0.5}}}


@pytest.fixture(scope="module")
def traced() -> Plan:
    return plan(TRACES)


def text(known: Plan, member: str, path: str) -> str:
    return str(known.members[member].files[path].content)


def variables(known: Plan, member: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in known.members[member].container["envs"])


def collector(known: Plan) -> Any:
    return yaml.safe_load(text(known, "collector-1", "collector.yml"))


@pytest.mark.parametrize("settings", [{}, {"monitoring": {"enabled": False, "traces": {"enabled": True}}}])
def test_nothing_of_it_is_there_unless_it_is_asked_for(settings: Mapping[str, Any]) -> None:
    known = plan(settings)
    assert not {"jaeger-1", "collector-1"} & known.members.keys()
    assert not [name for name in variables(known, "web-blue-1") if name.startswith("OTEL_")]
    assert "traceparent" not in text(known, "nginx-1", "nginx.conf") + text(known, "haproxy-1", "haproxy.cfg")


def test_a_part_of_all_requests_is_traced_to_the_end(traced: Plan) -> None:
    assert "25.00% 01;" in text(traced, "nginx-1", "nginx.conf")


def test_workers_trace_what_the_edge_said_and_tell_the_collector(traced: Plan) -> None:
    told = variables(traced, "web-blue-1")
    assert told["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector-1:4318"
    assert told["OTEL_TRACES_SAMPLER"] == "parentbased_always_off"
    assert (told["OTEL_SERVICE_NAME"], told["OTEL_RESOURCE_ATTRIBUTES"]) == ("web", "colour=blue")


def test_what_the_stack_itself_says_to_an_application_goes_before() -> None:
    own = {"app": {"environment": {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://traces.example.com"}}}
    assert variables(plan({**TRACES, **own}), "web-blue-1")["OTEL_EXPORTER_OTLP_ENDPOINT"] == "https://traces.example.com"


def test_spans_go_to_jaeger_alone_and_wait_for_nothing(traced: Plan) -> None:
    read = collector(traced)
    assert read["service"]["pipelines"] == {
        "logs": {"receivers": ["file_log"], "exporters": ["spans"]},
        "traces": {"receivers": ["spans", "otlp"], "exporters": ["otlp_http/jaeger"]}}
    jaeger = read["exporters"]["otlp_http/jaeger"]
    assert not jaeger["sending_queue"].get("block_on_overflow")
    assert jaeger["retry_on_failure"]["max_elapsed_time"] == "5s"
    assert read["connectors"]["spans"]["slow"] == "0.5s"


def test_lines_go_both_ways_where_logs_are_kept_too() -> None:
    both = plan({"monitoring": {"traces": {"enabled": True}, "logs": {"enabled": True}}})
    pipelines = collector(both)["service"]["pipelines"]
    assert pipelines["logs"]["exporters"] == ["otlp_http/loki", "spans"]


def test_workers_reach_the_collector_and_nothing_else_that_watches(traced: Plan) -> None:
    def networks(member: str) -> set[str]:
        return {str(one["name"]) for one in traced.members[member].container["networks_advanced"]}

    assert networks("collector-1") & networks("web-blue-1")
    assert not networks("jaeger-1") & networks("web-blue-1")
    assert networks("collector-1") & networks("jaeger-1")


def test_a_cluster_has_its_own() -> None:
    with pytest.raises(SettingsError, match=r"monitoring\.traces\.enabled: .*its own collector"):
        render(TRACES)
