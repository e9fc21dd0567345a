"""The environment is read completely, errors name the variable, and no secret shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from orders.configuration import Configuration, ConfigurationError, PoolSize

URL = "postgresql://app:geheim@pgbouncer:6432/app?sslmode=verify-full"
MINIMAL = {"DATABASE_URL": URL}


def test_defaults() -> None:
    configuration = Configuration.from_environment(MINIMAL)
    assert (configuration.port, configuration.keep_alive_s, configuration.stop_s) == (8000, 75, 30)
    assert configuration.read_replica_url is None
    assert configuration.redis["cache"].nodes == ()
    assert not configuration.faults


def test_what_the_platform_hands_over() -> None:
    configuration = Configuration.from_environment({
        **MINIMAL, "DATABASE_READ_REPLICA_URL": URL, "PORT": "9000", "KEEP_ALIVE_SECONDS": "60", "DRAIN_SECONDS": "20",
        "DB_POOL_MIN": "5", "DB_POOL_MAX": "20", "DB_DEADLINE_SECONDS": "8", "DB_POOL_WAIT_SECONDS": "6",
        "REDIS_CLUSTER_NODES": "redis-1:6379, redis-2,",
        "REDIS_CACHE_USER": "kept", "REDIS_CACHE_PREFIX": "kept:", "EVENKEEL_COLOUR": "green",
    })
    assert (configuration.port, configuration.keep_alive_s, configuration.stop_s) == (9000, 60, 20)
    assert configuration.write_pool == PoolSize(minimum=5, maximum=20)
    assert (configuration.deadline_s, configuration.pool_wait_s) == (8, 6)
    assert configuration.redis["cache"].nodes == (("redis-1", 6379), ("redis-2", 6379))
    assert (configuration.redis["cache"].user, configuration.redis["cache"].prefix) == ("kept", "kept:")
    assert configuration.colour == "green"


@pytest.mark.parametrize(("name", "value"), [
    ("PORT", "http"), ("PORT", "70000"), ("ORDERS_DEADLINE_S", "-1"), ("DB_POOL_MAX", "0"), ("DB_POOL_MIN", "99"),
    ("REDIS_CLUSTER_NODES", "redis:abc"), ("DATABASE_READ_REPLICA_URL", "geheim"),
])
def test_an_error_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name.removesuffix("_MIN").removesuffix("_MAX")):
        Configuration.from_environment({**MINIMAL, name: value})


def test_without_a_database_there_is_nothing_to_do() -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL is not set"):
        Configuration.from_environment({})


def test_a_bad_connection_string_is_not_repeated_in_the_error() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Configuration.from_environment({"DATABASE_URL": "geheim geheim"})
    assert "geheim" not in str(caught.value)


def test_passwords_do_not_show() -> None:
    configuration = Configuration.from_environment({**MINIMAL, "REDIS_CACHE_PASSWORD": "geheim"})
    assert "geheim" not in repr(configuration)


def test_a_password_file_is_read_again_each_time(tmp_path: Path) -> None:
    file = tmp_path / "redis-cache"
    file.write_text("first\n")
    access = Configuration.from_environment({**MINIMAL, "REDIS_CACHE_PASSWORD_FILE": str(file)}).redis["cache"]
    assert access.read_password() == "first"
    file.write_text("second\n")
    assert access.read_password() == "second"


def test_a_password_in_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    access = Configuration.from_environment({
        **MINIMAL, "REDIS_CACHE_PASSWORD": "given", "REDIS_CACHE_PASSWORD_FILE": str(tmp_path / "absent"),
    }).redis["cache"]
    assert access.read_password() == "given"
