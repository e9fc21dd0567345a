"""The platform as a whole: convergent, sealed, and the same after it was down."""

from __future__ import annotations

import re
import subprocess
import uuid

from tests.support.running import RunningPlatform


def place(platform: RunningPlatform, edge: int = 1) -> str:
    """An order through the front door; its id."""
    with platform.client(edge) as client:
        answer = client.post("/api/orders", json={"item": "anchor", "quantity": 1},
                             headers={"Idempotency-Key": str(uuid.uuid4())})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


def read(platform: RunningPlatform, order: str, edge: int = 1) -> dict:
    with platform.client(edge) as client:
        answer = client.get(f"/api/orders/{order}", params={"consistency": "primary"})
        assert answer.status_code == 200, answer.text
        return answer.json()


def test_orders_go_in_and_out_by_both_edges(platform: RunningPlatform) -> None:
    for edge, other in ((1, 2), (2, 1)):
        assert read(platform, place(platform, edge), other)["item"] == "anchor"


def test_a_second_up_changes_nothing(platform: RunningPlatform) -> None:
    changes = platform.up().summary.resource_changes or {}
    assert set(changes) == {"same"}, changes


def test_a_preview_typed_by_hand_sees_no_change(platform: RunningPlatform) -> None:
    preview = platform.pulumi("preview", "--expect-no-changes")
    assert preview.returncode == 0, preview.stdout


def test_only_the_edge_is_published_and_on_loopback(platform: RunningPlatform) -> None:
    published = {
        container.labels["evenkeel.workload"]: {binding["HostIp"] for bindings in container.ports.values() if bindings
                                                for binding in bindings}
        for container in platform.containers() if any(container.ports.values())
    }
    assert published == {"nginx": {"127.0.0.1"}}


def test_containers_have_the_least_they_need(platform: RunningPlatform) -> None:
    for container in platform.containers():
        host = container.attrs["HostConfig"]
        name = container.name
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"] and not host["CapAdd"], name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert host["Memory"] > 0 and host["NanoCpus"] > 0, name
        assert container.attrs["Config"]["User"] == "10001:10001", name


def secrets(platform: RunningPlatform) -> dict[str, str]:
    """Every password and private key, from the files that members read."""
    found: dict[str, str] = {}
    for container in platform.containers():
        listing = platform.inside(container.labels["evenkeel.member"], "find", "/etc/evenkeel", "-type", "f",
                                  "-perm", "0400")
        for path in listing.split():
            text = platform.inside(container.labels["evenkeel.member"], "cat", path)
            where = f"{container.name}:{path}"
            if "PRIVATE KEY" in text:
                found[where] = text.split("PRIVATE KEY-----")[1].strip()[:60]
            else:
                for token in re.findall(r"[A-Za-z0-9_-]{32}", text):
                    found[f"{where}:{token[:3]}"] = token
    return found


def test_secrets_are_nowhere_but_in_their_files(platform: RunningPlatform) -> None:
    kept = secrets(platform)
    assert len(set(kept.values())) >= 8, "passwords and keys should have been found in the members' files"
    state = platform.environment["PULUMI_BACKEND_URL"].removeprefix("file://")
    places = {"state": "".join(
        file.read_text(errors="replace") for file in __import__("pathlib").Path(state).rglob(f"*{platform.stack}*")
        if file.is_file())}
    for container in platform.containers():
        member = container.labels["evenkeel.member"]
        places[f"{member}: configuration"] = str(container.attrs)
        places[f"{member}: log"] = container.logs().decode(errors="replace")
        places[f"{member}: processes"] = platform.inside(
            member, "sh", "-c", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'; true")
    leaks = [f"{origin} in {place}" for origin, secret in kept.items() for place, text in places.items()
             if secret in text]
    assert not leaks, leaks


def test_a_dead_members_name_costs_a_second_not_ten(platform: RunningPlatform) -> None:
    """Patroni asks for the names of dead members before it lets a replica lead, and while etcd is gone.

    Held: the supervisor would have it back, name and all, within a second.
    """
    ask = "import socket, time\nbegan = time.monotonic()\ntry: socket.getaddrinfo('redis-6', 1)\n" \
          "except socket.gaierror: print(time.monotonic() - began)"
    with platform.held("redis-6", "a test"):
        platform.container("redis-6").kill()
        try:
            took = [float(platform.inside(member, "python3", "-c", ask)) for member in ("postgres-1", "redis-1")]
        finally:
            platform.container("redis-6").start()
    assert max(took) < 2, took


def test_killed_members_come_back_with_their_data(platform: RunningPlatform) -> None:
    """What a restart of the engine or of the machine does: every process gone at once."""
    order = place(platform)
    ids = [container.id for container in platform.containers()]
    subprocess.run(["docker", "kill", *ids], check=True, capture_output=True)
    platform.up()
    assert read(platform, order)["id"] == order


def test_down_and_up_keep_the_data(platform: RunningPlatform) -> None:
    order = place(platform)
    platform.down()
    assert platform.containers() == []
    platform.up()
    assert read(platform, order, edge=2)["id"] == order
