"""`upgrade.yml` on the real platform, under load: a bad image, an interruption, the rest; and nothing is lost."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from components.targets.docker import engine
from operations.setup.images import image_tag
from operations.setup.paths import ROOT
from tests.support.open_load import load
from tests.support.running import SETTINGS, RunningPlatform

PLAYBOOK = ROOT / "ansible/playbooks/upgrade.yml"
NEVER_HEALTHY = 'ENTRYPOINT ["sleep", "infinity"]'
NEWER, NEWEST = 'LABEL test="newer"', 'LABEL test="newest"'
UPGRADED = ("postgres", "redis")
PATIENCE_S = 420


@pytest.fixture(scope="module")
def images() -> Iterator[Mapping[str, str]]:
    """References: newer ones of Postgres and Redis, and a Postgres that never becomes healthy."""
    made = {"postgres": build("postgres", "newer", NEWER), "redis": build("redis", "newer", NEWER),
            "broken": build("postgres", "broken", NEVER_HEALTHY)}
    yield made


def build(name: str, tag: str, line: str) -> str:
    """An image like ours of that name, but for one line."""
    reference = f"evenkeel-test/{name}:{tag}"
    recipe = io.BytesIO(f"FROM {image_tag(name)}\n{line}\n".encode())
    engine.client().images.build(fileobj=recipe, tag=reference, rm=True, forcerm=True)
    return reference


class Run:
    """One run of the playbook in a session of its own, as a terminal would start it."""

    def __init__(self, platform: RunningPlatform, log: Path, *extra: str) -> None:
        self._log = log
        with log.open("w") as output:
            self._process = subprocess.Popen(
                ["ansible-playbook", PLAYBOOK, "-e", f"stack={platform.stack}", *extra], cwd=ROOT, stdout=output,
                env={**platform.environment, "PYTHONUNBUFFERED": "1"}, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL, start_new_session=True)

    @property
    def output(self) -> str:
        return self._log.read_text()

    def end(self) -> int:
        """Its exit status."""
        return self._process.wait(PATIENCE_S)

    def until(self, text: str) -> None:
        """Return when it has said that."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.output:
            assert time.monotonic() < deadline and self._process.poll() is None, self.output
            time.sleep(0.1)

    def kill(self) -> None:
        """Ansible, without a word. The Pulumi that it started lives on in a session of its own, as after a lost
        terminal."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def upgrade(platform: RunningPlatform, folder: Path, *extra: str) -> tuple[int, str]:
    """Exit status and output."""
    run = Run(platform, folder / f"upgrade-{time.monotonic_ns()}.log", *extra)
    status = run.end()
    print(run.output)
    return status, run.output


def images_of(platform: RunningPlatform) -> dict[str, set[str]]:
    """Workload -> images that its members run."""
    found: dict[str, set[str]] = {}
    for container in platform.containers():
        found.setdefault(container.labels["evenkeel.workload"], set()).add(container.attrs["Config"]["Image"])
    return found


def identities(platform: RunningPlatform) -> set[str]:
    return {str(container.id) for container in platform.containers()}


def placed(platform: RunningPlatform) -> set[str]:
    """The ids of all orders that the database has."""
    found: set[str] = set()
    with platform.client() as client:
        following: int | None = 0
        while following is not None:
            page = client.get("/api/orders/ledger", params={"after": following, "limit": 5000}).json()
            found |= {identifier for _, identifier, _ in page["entries"]}
            following = page["next"]
    return found


def test_a_plan_changes_nothing(platform: RunningPlatform, images: Mapping[str, str], tmp_path: Path) -> None:
    platform.write_settings({**SETTINGS, "images": {name: images[name] for name in UPGRADED}})
    before = identities(platform)
    status, said = upgrade(platform, tmp_path, "--check")
    assert status == 0, said
    assert "9 of its members are replaced" in said and "(primary): switchover, then" in said
    assert identities(platform) == before


def test_a_bad_image_stops_it_with_the_platform_serving(
        platform: RunningPlatform, images: Mapping[str, str], tmp_path: Path) -> None:
    platform.write_settings({**SETTINGS, "images": {"postgres": images["broken"]}})
    with load(platform.urls, platform.trust(), rate=15) as report:
        status, said = upgrade(platform, tmp_path, "-e", "upgrade_health_timeout_s=15")
    assert status != 0
    assert "its health check says" in said and "0 of 3 members are upgraded" in said and "Next: correct" in said, said
    assert f"{len(platform.containers()) - 1} members serve" in said, said
    assert report.failed == [], str(report)
    assert report.sent > 100
    assert len(images_of(platform)["postgres"]) == 2


def test_interrupted_and_run_again_it_goes_on_and_nothing_fails_and_nothing_is_lost(
        platform: RunningPlatform, images: Mapping[str, str], tmp_path: Path) -> None:
    """It begins with the replica that the bad image left behind."""
    interrupted_and_run_again(platform, {"postgres": images["postgres"]}, "1/3", tmp_path)


def test_run_again_it_changes_nothing(platform: RunningPlatform, tmp_path: Path) -> None:
    before = identities(platform)
    status, said = upgrade(platform, tmp_path)
    assert status == 0 and "nothing was changed" in said, said
    assert identities(platform) == before
    preview = platform.pulumi("preview", "--expect-no-changes")
    assert preview.returncode == 0, preview.stdout


@pytest.mark.endurance
def test_redis_and_postgres_together_are_upgraded_in_spite_of_an_interruption(
        platform: RunningPlatform, images: Mapping[str, str], tmp_path: Path) -> None:
    wanted = {"postgres": build("postgres", "newest", NEWEST), "redis": images["redis"]}
    interrupted_and_run_again(platform, wanted, "2/9", tmp_path)


def interrupted_and_run_again(platform: RunningPlatform, wanted: Mapping[str, str], half_way: str,
                              folder: Path) -> None:
    """An upgrade to the images of ``wanted`` under load, killed once it has said ``half_way`` and works on the next
    member of Postgres, and run again."""
    platform.write_settings({**SETTINGS, "images": dict(wanted)})
    with load(platform.urls, platform.trust(), rate=15) as report:
        first = Run(platform, folder / "first.log")
        first.until(half_way)
        first.until("readers are led away from")
        time.sleep(4)  # Pulumi is at work then
        first.kill()
        print(first.output)
        status, said = upgrade(platform, folder)
    assert status == 0, said
    assert "the lock of an interrupted run was taken over" in said
    assert f"{half_way.partition('/')[2]} of its members" not in said
    assert {name: images_of(platform)[name] for name in wanted} == {name: {image} for name, image in wanted.items()}
    print(report)
    assert report.failed == [], str(report)
    assert report.orders.keys() <= placed(platform), "an acknowledged order was lost"
    assert len(report.orders) > 200
