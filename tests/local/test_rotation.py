"""Every password and the authority exchanged under load: nobody notices, and the old ones are worth nothing after."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from components.certificates import AUTHORITY
from components.generated.rotation import Phase, Step
from operations.rotation import held, run
from operations.rotation.held import Held
from operations.setup import stack
from tests.local.test_orders import ledger
from tests.support.load import Load
from tests.support.running import SETTINGS, RunningPlatform

USER = "ann"
NGINX_RELOADS = 6
"""Three of each of two members: at each, one of the load's few idle connections may be closed under a request."""


def held_by(platform: RunningPlatform) -> dict[str, Held]:
    return held.read(stack.select(platform.stack, platform.environment))


def rotate(platform: RunningPlatform, what: str = "all", until: Step = Step.RETIRE, *, back: bool = False) -> None:
    run.rotate(platform.stack, what, platform.console, until=until, back=back)
    platform.__dict__.pop("outputs", None)


@pytest.fixture(scope="module")
def guarded(platform: RunningPlatform) -> Iterator[RunningPlatform]:
    """The platform with one user of the edge's own authentication."""
    platform.write_settings({**SETTINGS, "edge": {**SETTINGS["edge"], "basic_auth": {"users": [USER]}}})
    platform.up()
    platform.__dict__.pop("outputs", None)
    yield platform
    urns = [line for line in platform.pulumi("stack", "--show-urns").stdout.split() if line.endswith(f"::edge-{USER}")]
    platform.pulumi("state", "unprotect", "--yes", urns[0])
    platform.write_settings()
    platform.up()
    platform.__dict__.pop("outputs", None)


def login(platform: RunningPlatform) -> tuple[str, str]:
    return USER, platform.outputs["edge_passwords"][USER]


def test_every_secret_is_exchanged_under_load_without_a_failed_request(guarded: RunningPlatform) -> None:
    before, old_trust, old_login = held_by(guarded), guarded.trust(), login(guarded)
    with Load(guarded, old_trust, old_login) as load:
        rotate(guarded, until=Step.INTRODUCE)
        load.trust = guarded.trust()  # clients learn of the new authority in time ...
        rotate(guarded, until=Step.SWITCH)
        load.login = login(guarded)  # ... and people of their new passwords
        rotate(guarded)
    print(dict(load.answers), "repeated:", load.crossed)
    assert not load.failures
    assert load.answers[201] > 100, "that was no load"
    assert len(load.crossed) <= NGINX_RELOADS
    now = held_by(guarded)
    assert now.keys() == before.keys() and AUTHORITY in now
    assert {value.phase for value in now.values()} == {Phase.STEADY}
    kept = [name for name in now if now[name].in_use == before[name].in_use]
    assert not kept, "forgotten"
    with httpx.Client(base_url=guarded.urls[0], verify=guarded.trust(), auth=login(guarded)) as client:
        assert load.acknowledged <= ledger(client).keys()
        assert client.get("/api/orders?limit=1", auth=old_login).status_code == 401
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(guarded.urls[0], verify=old_trust)
    refused_everywhere(guarded, before)


def refused_everywhere(platform: RunningPlatform, before: dict[str, Held]) -> None:
    """The old values, tried by hand where they were good."""
    tls = "/etc/evenkeel/tls/ca.pem"
    for member in [f"redis-{number}" for number in range(1, 7)]:
        for name in ("cache", "session", "queue", "platform"):
            said = platform.inside(member, "sh", "-c", f"REDISCLI_AUTH=$0 redis-cli --user {name} --tls --cacert {tls} "
                                   "--no-auth-warning PING 2>&1; true", before[f"redis-{name}"].in_use)
            assert "PONG" not in said and "WRONGPASS" in said, (member, name, said)
    for member in ("pgbouncer-1", "pgbouncer-2"):
        for name, user in (("postgres-app", "app"), ("postgres-readonly", "app_readonly")):
            own = user if before[name].slot == "a" else f"{user}_b"
            target = f"host=localhost port=6432 dbname=app_readonly user={own} sslmode=verify-full sslrootcert={tls}"
            said = platform.inside(member, "sh", "-c", f"PGPASSWORD=$0 psql '{target}' -c 'SELECT 1' 2>&1; true",
                                   before[name].in_use)
            assert "authentication failed" in said, (member, user, said)


def test_a_rotation_half_done_is_kept_by_up_and_taken_back(guarded: RunningPlatform) -> None:
    before = held_by(guarded)
    rotate(guarded, "redis-cache", until=Step.INTRODUCE)
    changes = guarded.up()
    assert set(changes.summary.resource_changes or {}) == {"same"}
    assert changes.outputs["rotation"].value == {"redis-cache": "introduced"}
    rotate(guarded, "redis-cache", back=True)
    assert held_by(guarded) == before
