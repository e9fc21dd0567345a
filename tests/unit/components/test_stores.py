"""Passwords from stores of the user's: what is read, and what is said when it can't be. Never a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from components.generated import passwords, stores
from components.generated.stores import StoreError
from components.settings.secrets import Secrets
from tests.support.vault import ROLE, ROLE_SECRET, TOKEN, Vault, serving

GOOD = "correct-horse-battery.staple_1~"
NEXT = "another-horse-battery.staple_2"
NAME = "redis-cache"


@pytest.fixture(autouse=True)
def _nobodys_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("VAULT_ADDR", "VAULT_TOKEN", "VAULT_NAMESPACE", "VAULT_CACERT", "VAULT_ROLE_ID",
                     "VAULT_SECRET_ID", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)


def source(**settings: Any) -> Mapping[str, Any]:
    found = Secrets.model_validate(settings).source_of(NAME)
    assert found is not None
    return found


def refusal(where: Mapping[str, Any]) -> str:
    with pytest.raises(StoreError) as refused:
        stores.read(where, NAME)
    said = str(refused.value)
    assert "Nothing was changed. Next: " in said and GOOD not in said and TOKEN not in said
    return said


def test_by_default_everything_is_generated() -> None:
    assert Secrets().source_of(NAME) is None


def test_the_longest_name_that_fits_decides() -> None:
    settings = Secrets.model_validate({"source": "file", "sources": {
        "redis-*": "vault", "redis-cache": "environment", "postgres-api": "generated"}})
    kinds = {name: (settings.source_of(name) or {"kind": "generated"})["kind"]
             for name in ("redis-cache", "redis-queue", "postgres-app", "postgres-api")}
    assert kinds == {"redis-cache": "environment", "redis-queue": "vault", "postgres-app": "file",
                     "postgres-api": "generated"}


@pytest.mark.parametrize("settings", [{"source": "keychain"}, {"sources": {"Redis cache": "file"}},
                                      {"vault": {"address": "vault.example.com"}}, {"vault": {"timeout_s": 0}}])
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Secrets.model_validate(settings)


def test_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    where = source(source="environment")
    assert "EVENKEEL_SECRET_REDIS_CACHE is not set" in refusal(where)
    monkeypatch.setenv("EVENKEEL_SECRET_REDIS_CACHE", GOOD)
    assert stores.read(where, NAME) == GOOD


def test_a_file(tmp_path: Path) -> None:
    where = source(source="file", file={"folder": str(tmp_path)})
    assert "there is no such file" in refusal(where)
    (tmp_path / NAME).write_bytes(b"\xff\xfe")
    assert "it is no text" in refusal(where)
    (tmp_path / NAME).write_text(f"{GOOD}\n")
    assert stores.read(where, NAME) == GOOD


@pytest.mark.parametrize(("value", "reason"), [
    ("short", "it has 5 characters, not 16 to 128"), ("x" * 129, "it has 129 characters"),
    ("correct horse battery staple", "other characters"), ("quote'-and-dollar-$HOME", "other characters"),
    ("two\nlines-of-a-password", "other characters"), ("umlaut-is-not-plain-ä", "other characters")])
def test_a_value_that_some_service_would_misread_is_refused(tmp_path: Path, value: str, reason: str) -> None:
    (tmp_path / NAME).write_text(value)
    said = refusal(source(source="file", file={"folder": str(tmp_path)}))
    assert reason in said and value not in said


@pytest.fixture
def vault() -> Iterator[Vault]:
    with serving(Vault(secrets={f"evenkeel/{NAME}": {"value": GOOD, "number": 7}})) as running:
        yield running


def at(vault: Vault, **settings: Any) -> Mapping[str, Any]:
    return source(source="vault", vault={"address": vault.address, "timeout_s": 0.5, **settings})


def test_vault_by_token(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    assert stores.read(at(vault), NAME) == GOOD
    assert vault.asked == [f"/v1/secret/data/evenkeel/{NAME}"]


def test_vault_by_approle_and_namespace(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_ROLE_ID", ROLE)
    monkeypatch.setenv("VAULT_SECRET_ID", ROLE_SECRET)
    vault.namespace = "team"
    assert stores.read(at(vault, namespace="team"), NAME) == GOOD
    assert "does not exist (404, no handler for route)" in refusal(at(vault))
    monkeypatch.setenv("VAULT_SECRET_ID", "guessed")
    assert "the AppRole was refused (400, invalid role or secret ID)" in refusal(at(vault))


def test_vaults_own_variables_say_where_it_is(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    assert "no address is known" in refusal(source(source="vault"))
    monkeypatch.setenv("VAULT_ADDR", vault.address)
    assert stores.read(source(source="vault"), NAME) == GOOD


def test_without_a_way_to_log_in(vault: Vault) -> None:
    assert "no way to log in is known" in refusal(at(vault))


@pytest.mark.parametrize(("behaviour", "settings", "reason"), [
    ({"sealed": True}, {}, "sealed or in maintenance (503, Vault is sealed)"),
    ({"delay_s": 1.0}, {}, "did not answer within 0.5 s"),
    ({"secrets": {}}, {}, "it does not exist (404)"),
    ({"deleted": {f"evenkeel/{NAME}"}}, {}, "its newest version was deleted"),
    ({"version": 1, "secrets": {f"data/evenkeel/{NAME}": {"value": GOOD}}}, {}, "no key/value engine of version 2"),
    ({"nonsense": "<html>"}, {}, "answers, but is no Vault"),
    ({"nonsense": "[]"}, {}, "answers, but is no Vault"),
    ({}, {"field": "password"}, "no text in its field `password` (there: number, value)"),
    ({}, {"field": "number"}, "no text in its field `number`"),
    ({}, {"mount": "elsewhere"}, "it does not exist (404)"),
    ({}, {"ca_file": "/nonexistent/ca.pem"}, "the authority's file /nonexistent/ca.pem can't be read"),
    ({}, {"address": "http://127.0.0.1:1"}, "http://127.0.0.1:1 can't be reached"),
], ids=["sealed", "slow", "missing", "deleted", "version 1", "no JSON", "no object", "no field", "no text", "no mount",
        "no authority", "nobody there"])
def test_what_vault_refuses_is_said_in_words(vault: Vault, monkeypatch: pytest.MonkeyPatch, behaviour: dict[str, Any],
                                             settings: dict[str, Any], reason: str) -> None:
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    for name, value in behaviour.items():
        setattr(vault, name, value)
    assert reason in refusal(at(vault, **settings))


def test_a_token_without_the_right(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "s.of-somebody-else")
    assert "permission denied (403, 1 error occurred: * permission denied)" in refusal(at(vault))


def test_a_changed_value_in_the_store_waits_for_a_rotation(tmp_path: Path) -> None:
    where = source(source="file", file={"folder": str(tmp_path)})
    file = tmp_path / NAME
    file.write_text(GOOD)
    made = passwords.create({"name": NAME, "source": where})
    assert made["value"] == GOOD

    def after(outputs: Mapping[str, Any], step: str | None) -> dict[str, Any]:
        return passwords.update(outputs, {"name": NAME, "source": where, "step": step})

    assert after(made, "introduce") == made, "the store has nothing new to introduce"
    file.write_text(NEXT)
    assert after(made, None) == made
    introduced = after(made, "introduce")
    assert (introduced["value"], introduced["otherValue"], introduced["phase"]) == (GOOD, NEXT, "introduced")
    file.unlink()
    assert after(introduced, "switch")["value"] == NEXT, "only introducing asks the store"
