"""Redis Cluster in other sizes while it serves: slots move, nothing is lost, and what was interrupted is ended."""

from __future__ import annotations

import binascii
import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.local.test_modules import four_times, play, typed
from tests.local.test_redis import owners, redis
from tests.support import redis_writer
from tests.support.running import RunningPlatform

SCALE = "ansible/playbooks/redis_scale.yml"


def slots(platform: RunningPlatform, seen_by: str = "redis-1") -> dict[str, int]:
    """How many slots each master owns, as one member sees it."""
    found: dict[str, int] = {}
    for line in redis(platform, seen_by, "CLUSTER NODES").splitlines():
        fields = line.split()
        owned = [part.partition("-") for part in fields[8:] if not part.startswith("[")]
        count = sum(int(last or first) - int(first) + 1 for first, _, last in owned)
        if count:
            found[fields[1].rpartition(",")[2]] = count
    return found


def master_of(platform: RunningPlatform, member: str) -> str:
    return owners(platform)[member]


@pytest.fixture(scope="module")
def password(platform: RunningPlatform) -> str:
    return platform.inside("web-blue-1", "cat", "/etc/evenkeel/secrets/redis-cache").strip()


@contextmanager
def load(platform: RunningPlatform) -> Iterator[dict[str, Any]]:
    """A client that knew the cluster beforehand uses it meanwhile; afterwards what it saw is in the dictionary."""
    command = ["docker", "exec", "-i", f"evenkeel-{platform.stack}-web-blue-1", "python3", "-c",
               Path(redis_writer.__file__).read_text()]
    seen: dict[str, Any] = {}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout
        assert client.stdout.readline() == "ready\n"
        try:
            yield seen
        finally:
            said, _ = client.communicate(timeout=120)
        seen.update(json.loads(said))


def assert_unharmed(seen: Mapping[str, Any], at_least: int) -> None:
    print(seen)
    assert seen["errors"] == {} and seen["lost"] == 0 and seen["written"] >= at_least


@pytest.mark.endurance
def test_modules_converge_and_tell_the_truth_beforehand(platform: RunningPlatform, tmp_path: Path) -> None:
    """A replica as a fourth master, its share, out again, in again: each changed, changed, ok, ok."""
    replica, first = next((name, master) for name, master in owners(platform).items() if master != "master")
    with load(platform) as seen:
        play(platform, tmp_path, [
            *four_times(platform, "redis_member", {"member": replica, "role": "master", "force": True}),
            *four_times(platform, "redis_rebalance", {})])
        assert sorted(slots(platform).values()) == [4096] * 4
        play(platform, tmp_path, [
            *four_times(platform, "redis_member", {"member": replica, "state": "absent"}),
            *four_times(platform, "redis_create", {})])
    assert_unharmed(seen, 200)
    assert sorted(slots(platform).values()) == [5461, 5461, 5462] and master_of(platform, replica) == first


def test_a_member_is_refused_what_would_harm_the_others(platform: RunningPlatform, tmp_path: Path) -> None:
    replica, master = next((name, master) for name, master in owners(platform).items() if master != "master")
    wanted = {"only": {"member": replica, "role": "master"}, "owner": {"member": master},
              "third": {"member": master, "state": "absent"}}
    tasks: list[dict[str, Any]] = []
    for name, arguments in wanted.items():
        tasks += [{"name": f"Try {name}", "evenkeel.platform.redis_member": {"stack": platform.stack, **arguments},
                   "register": name, "failed_when": f"{name}.msg is not defined"},
                  {"name": "Show", "ansible.builtin.debug": {"msg": f"{{{{ {name}.msg }}}}"}}]
    said = play(platform, tmp_path, tasks)
    assert f"{replica} is the only replica of {master}" in said and "there would be 2 masters" in said
    assert f"{master} is a master and owns" in said and said.count("Next: ") == 3


def test_what_was_interrupted_half_way_is_ended_by_the_next_run(
        platform: RunningPlatform, tmp_path: Path, password: str) -> None:
    """Four slots, each cut off after another step; one of them with a key at either end."""
    source, target = [name for name, role in owners(platform).items() if role == "master"][:2]
    ids = {name: redis(platform, name, "CLUSTER MYID") for name in (source, target)}
    keys = _keys(platform, source, password, 4)
    both, opened, coming, given = keys
    for slot in (both, coming, given):
        assert redis(platform, target, f"CLUSTER SETSLOT {slot} IMPORTING {ids[source]}") == "OK"
    for slot in (both, opened, given):
        assert redis(platform, source, f"CLUSTER SETSLOT {slot} MIGRATING {ids[target]}") == "OK"
    migrate = "MIGRATE {} 6379 '' 0 5000 AUTH2 platform $(cat /etc/evenkeel/platform.password) KEYS {}"
    assert redis(platform, source, migrate.format(target, keys[both][0])) == "OK"
    for key in keys[given]:
        assert redis(platform, source, migrate.format(target, key)) == "OK"
    assert redis(platform, source, f"CLUSTER SETSLOT {given} NODE {ids[target]}") == "OK"
    said = play(platform, tmp_path, four_times(platform, "redis_rebalance", {}))
    assert "4 slots were half moved by an interrupted run" in said
    assert sorted(slots(platform).values()) == [5461, 5461, 5462]
    for member in owners(platform):
        assert "[" not in redis(platform, member, "CLUSTER NODES"), f"{member} has an open slot"
    for key in (key for found in keys.values() for key in found):
        assert redis(platform, "redis-1", f"-c GET {key}", "cache", password).endswith(f"value of {key}")


def _keys(platform: RunningPlatform, master: str, password: str, count: int) -> dict[int, list[str]]:
    """Two keys in each of some slots of a master, with values: slot -> keys."""
    own = next(line for line in redis(platform, master, "CLUSTER NODES").splitlines() if "myself" in line)
    ends = [part.partition("-") for part in own.split()[8:] if not part.startswith("[")]
    owned = {slot for first, _, last in ends for slot in range(int(first), int(last or first) + 1)}
    found: dict[int, list[str]] = {}
    tags = (f"cache:half-{number}" for number in range(100_000))
    while len(found) < count:
        tag = next(tags)
        slot = binascii.crc_hqx(tag.encode(), 0) % 16384
        if slot in owned:
            found.setdefault(slot, [f"{{{tag}}}:a", f"{{{tag}}}:b"])
    for key in (key for keys in found.values() for key in keys):
        assert redis(platform, master, f"SET {key} 'value of {key}' EX 3600", "cache", password) == "OK"
    return found


@pytest.mark.endurance
def test_three_masters_become_four_and_three_again_under_load(platform: RunningPlatform, password: str) -> None:
    with load(platform) as seen:
        said = typed(platform, "ansible-playbook", SCALE, "-e", "masters=4", timeout_s=300)
        print(said)
        assert sorted(slots(platform).values()) == [4096] * 4 and len(owners(platform)) == 8
        assert sum(role == "master" for role in owners(platform).values()) == 4
        assert "nothing was changed" in typed(platform, "ansible-playbook", SCALE, "-e", "masters=4", timeout_s=300)
        assert platform.settings()["redis"]["masters"] == 4
        print(typed(platform, "ansible-playbook", SCALE, "-e", "masters=3", timeout_s=300))
    assert_unharmed(seen, 1000)
    assert sorted(slots(platform).values()) == [5461, 5461, 5462] and len(owners(platform)) == 6
    names = {container.labels["evenkeel.member"] for container in platform.containers()}
    assert "redis-6" in names and "redis-7" not in names


@pytest.mark.parametrize(("masters", "words"), [(4, "redis-7, redis-8"), (5, "redis-10")])
def test_a_plain_update_refuses_another_size_and_names_the_playbook(
        platform: RunningPlatform, masters: int, words: str) -> None:
    before = platform.settings()
    platform.write_settings({**before, "redis": {"masters": masters}}, secrets=True)
    try:
        done = platform.pulumi("up", "--yes", "--skip-preview")
        assert done.returncode != 0 and words in done.stdout
        assert f"ansible-playbook {SCALE} -e stack={platform.stack}" in done.stdout
    finally:
        platform.write_settings(before, secrets=True)
