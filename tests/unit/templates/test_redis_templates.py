"""A real Redis judges the files that we render for it: it starts with them and says what each user may do.

It runs from the platform's image, without a network; without that image the tests fail.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from components.redis import PORT
from operations.setup.images import image_tag
from tests.support.redis_tier import declare

SCRIPT = f"""
redis-server /etc/evenkeel/redis.conf --daemonize yes --logfile /tmp/log >/tmp/log || {{ cat /tmp/log; exit 1; }}
export REDISCLI_AUTH="$(cat /etc/evenkeel/platform.password)"
client="redis-cli -p {PORT} --user platform --no-auth-warning --tls --cacert /etc/evenkeel/tls/ca.pem
  --cert /etc/evenkeel/tls/cert.pem --key /etc/evenkeel/tls/key.pem"
for _ in 1 2 3 4 5 6 7 8 9 10; do [ "$($client PING 2>/dev/null)" = PONG ] && break; sleep 0.1; done
$client
"""


def ask(folder: Path, commands: list[str], **settings: Any) -> list[str]:
    """Answers of a server that was started with the files of member 1."""
    for path, content in declare(**settings).contents["redis-1"].items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    for made in (folder, folder / "tls"):
        made.chmod(0o755)
    ended = subprocess.run(
        ["docker", "run", "--rm", "--interactive", "--network", "none", "--read-only", "--tmpfs", "/tmp",
         "--tmpfs", "/var/lib/evenkeel:uid=10001,gid=10001", "--volume", f"{folder}:/etc/evenkeel:ro",
         "--entrypoint", "sh", image_tag("redis"), "-c", SCRIPT],
        check=False, capture_output=True, text=True, input="\n".join(commands) + "\n")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout.splitlines()


@pytest.mark.parametrize("settings", [
    {},
    {"recovery_plan": "wide", "full_coverage": True, "replica_migration": False, "writes_need_replicas": 1},
    {"client_certificates": True, "persistence": {"fsync": "always"}, "max_clients": 16},
    {"memory": {"data_mib": 16, "eviction": "noeviction", "replication_backlog_mib": 1}, "slow_command_ms": 1},
    {"masters": 5, "replicas_per_master": 2, "memory": {"eviction": "volatile-lfu"}},
], ids=["default", "wide", "strict", "small", "large"])
def test_redis_starts_with_what_is_rendered(tmp_path: Path, settings: dict[str, Any]) -> None:
    answers = ask(tmp_path, ["CONFIG GET cluster-announce-hostname", "CONFIG GET port", "ACL WHOAMI"], **settings)
    assert answers == ["cluster-announce-hostname", "redis-1.members.example", "port", "0", "platform"]


ALLOWED = {
    "cache": ["SET cache:1 x EX 60", "GET {cache}:1", "MGET {cache:u}:1 {cache:u}:2", "EVAL '' 1 cache:1", "MULTI",
              "CLUSTER SLOTS", "INFO", "PING", "READONLY", "COMMAND COUNT"],
    "session": ["SET session:1 x EX 60", "GETEX session:1 EX 60", "HSET session:1 a b", "EXPIRE session:1 60",
                "DEL session:1", "TOUCH session:1", "WAIT 1 100"],
    "queue": ["LPUSH queue:1 x", "BLPOP {queue}:1 1", "XADD {queue:mail}:1 * a b", "ZADD queue:1 1 a",
              "PUBLISH queue:1 x", "EVALSHA 0 1 queue:1", "WAIT 1 100"],
    "platform": ["CLUSTER NODES", "CONFIG GET maxmemory", "PSYNC ? -1", "REPLCONF capa eof", "INFO", "SLOWLOG GET",
                 "MIGRATE redis-2 6379 cache:1 0 1000", "RESTORE-ASKING queue:1 0 x", "SELECT 0", "MULTI", "EXEC"],
}
EVERYONE = ["FLUSHALL", "FLUSHDB", "KEYS *", "SCAN 0", "RANDOMKEY", "DEBUG SLEEP 0", "SHUTDOWN", "MONITOR",
            "FUNCTION FLUSH", "REPLICAOF no one", "SWAPDB 0 1", "GET other:1", "SET other:1 x"]
REFUSED = {
    "cache": ["GET session:1", "DEL queue:1", "PUBLISH cache:1 x", "CONFIG GET maxmemory", "CLUSTER FAILOVER",
              "CLIENT LIST", "ACL LIST", "RENAME cache:1 queue:1", "BLPOP cache:1 1"],
    "session": ["GET cache:1", "EVAL '' 1 session:1", "LPUSH session:1 x", "SUBSCRIBE session:1", "CONFIG GET save"],
    "queue": ["GET session:1", "PUBLISH cache:1 x", "RENAME queue:1 cache:1", "CLUSTER FORGET x", "CONFIG GET save"],
    "platform": ["GET cache:1", "SET queue:1 x", "HGETALL session:1", "EVAL '' 0", "DEL cache:1",
                 "RESTORE queue:1 0 x", "DUMP session:1", "EXPIRE session:1 1", "COPY cache:1 cache:2"],
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the server says to each user's command, by ``user command``."""
    asked = [f"{user} {command}" for user in ALLOWED for command in [*ALLOWED[user], *REFUSED[user], *EVERYONE]]
    answers = ask(tmp_path_factory.mktemp("acl"), [f"ACL DRYRUN {line}" for line in asked])
    return dict(zip(asked, answers, strict=True))


@pytest.mark.parametrize("user", ALLOWED)
def test_a_user_may_do_what_its_purpose_needs(verdicts: dict[str, str], user: str) -> None:
    assert {command: verdicts[f"{user} {command}"] for command in ALLOWED[user]} == dict.fromkeys(ALLOWED[user], "OK")


@pytest.mark.parametrize("user", ALLOWED)
def test_a_user_may_do_nothing_else(verdicts: dict[str, str], user: str) -> None:
    allowed = [command for command in [*REFUSED[user], *EVERYONE] if verdicts[f"{user} {command}"] == "OK"]
    assert not allowed
