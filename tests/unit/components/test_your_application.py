"""docs/your-application.md promises variables and settings: they exist, and none of the documents' is missing."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from components.app import App
from components.settings import Settings
from components.settings.errors import _walk
from components.workload import CONFIG_DIR, Workload
from operations.setup.paths import ROOT
from tests.support.manifests import render
from tests.support.mocks import declare

PAGE = (ROOT / "docs" / "your-application.md").read_text()
VARIABLE, SETTING = re.compile(r"^[A-Z][A-Z0-9_]+$"), re.compile(r"^[a-z_]+(\.[A-Za-z_]+)+$")
BY_THE_TARGET = {"EVENKEEL_MEMBER"}
FOR_THE_INIT = {"TINI_SUBREAPER"}
DOCUMENTS = {
    "DATABASE_READ_REPLICA_URL", "DATABASE_REPLICA_URLS", "DB_POOL_MAX", "DB_POOL_MIN", "DB_READ_POOL_MAX",
    "DB_READ_POOL_MIN", "DB_POOL_SIZE", "DB_MAX_OVERFLOW", "REDIS_HOST", "REDIS_PORT", "REDIS_DB", "REDIS_CACHE_HOST",
    "REDIS_CACHE_PORT", "REDIS_CACHE_DB", "REDIS_SESSION_HOST", "REDIS_SESSION_PORT", "REDIS_SESSION_DB", "NODE_ENV",
    "WORKER_COUNT", "LOAD_BALANCER_ALGORITHM", "HEALTH_CHECK_INTERVAL", "MAX_CONNECTIONS", "CONNECTION_TIMEOUT",
    "RETRY_ATTEMPTS", "CIRCUIT_BREAKER_THRESHOLD", "CIRCUIT_BREAKER_TIMEOUT", "NGINX_WORKER_PROCESSES",
    "NGINX_WORKER_CONNECTIONS", "NGINX_KEEPALIVE_TIMEOUT", "ENABLE_ADVANCED_CACHING", "ENABLE_RATE_LIMITING",
    "ENABLE_COMPRESSION", "ENABLE_MONITORING", "AUTO_SCALING_ENABLED", "SCALING_CHECK_INTERVAL", "MIN_INSTANCES",
    "MAX_INSTANCES", "SHARDING_ENABLED", "SHARDING_STRATEGY"}
"""Every environment variable that the five documents name."""


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its two first lines."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


@pytest.fixture(scope="module")
def handed_over() -> set[str]:
    """Variables of a worker and of a job: from the container's configuration, and from the launcher's secret file."""
    config = {"app": {"credentials": "environment", "jobs": {"report": {"schedule": "* * * * *", "command": ["x"]}}}}
    found: set[str] = set()
    for manifest in render(config):
        if manifest["kind"] in ("Deployment", "CronJob") and manifest["metadata"]["name"] in ("web-blue", "job-report"):
            outer = manifest["spec"].get("jobTemplate", manifest)
            found |= {one["name"] for one in outer["spec"]["template"]["spec"]["containers"][0]["env"]}
        if manifest["kind"] == "Secret" and manifest["metadata"]["name"] == "web-blue-secrets":
            lines = "".join(manifest["stringData"].values()).splitlines()
            found |= {line.partition("=")[0] for line in lines}
    return found


def test_what_it_gets_is_handed_over_and_nothing_is_left_out(handed_over: set[str]) -> None:
    promised = {name for row in rows("What it gets") for name in quoted(row[0]) if VARIABLE.match(name)}
    assert promised - handed_over == set(), "promised, but not handed over"
    assert handed_over - promised == FOR_THE_INIT, "handed over, but not on the page"
    assert promised >= BY_THE_TARGET


def test_the_documents_variables_are_all_mapped_to_what_exists(handed_over: set[str]) -> None:
    table = rows("The five documents' variables")
    assert {name for row in table for name in quoted(row[0])} == DOCUMENTS
    for row in table:
        for name in quoted(row[1]):
            if VARIABLE.match(name):
                assert name in handed_over, row
            else:
                assert SETTING.match(name), row
                assert exists(name), f"{name}: no such setting"


def test_every_setting_on_the_page_exists() -> None:
    text = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
    named = {name for name in quoted(text) if SETTING.match(name)
             and name.split(".")[0] in Settings.model_fields}
    assert len(named) > 20
    assert not [name for name in named if not exists(name)]


def exists(path: str) -> bool:
    *outer, last = path.split(".")
    owner: type[BaseModel] | None = _walk(Settings, tuple(outer))
    return owner is not None and last in owner.model_fields


def test_the_stack_files_on_the_page_are_valid() -> None:
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
    assert len(blocks) == 3
    for block in blocks:
        config = {key.removeprefix("evenkeel:"): value for key, value in block.get("config", block).items()}
        Settings.load(config, stack="shop", where="docs/your-application.md")


def of_app(config: dict[str, Any]) -> dict[str, Workload]:
    _, platform = declare(config)
    [app] = [tier for tier in platform.tiers if isinstance(tier, App)]
    return {workload.name: workload for workload in app.running}


def test_a_pool_may_have_its_own_image_health_and_files() -> None:
    pools = {"web": {}, "frontend": {"paths": ["/app"], "image": "files:2", "health_path": "/app/health", "static": {}}}
    running = of_app({"app": {"image": "shop:1", "credentials": "files", "pools": pools,
                              "colours": {"green": {"image": "shop:2"}}}})
    assert {name: workload.image for name, workload in running.items()} == {
        "web-blue": "shop:1", "web-green": "shop:2", "frontend-blue": "files:2", "frontend-green": "files:2"}
    health = running["frontend-blue"].health
    assert health is not None and health.command[-1] == "http://127.0.0.1:8000/app/health"
    assert CONFIG_DIR in str(running["web-blue"].environment["REDIS_CACHE_PASSWORD_FILE"])
