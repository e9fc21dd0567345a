"""The decisions of images/postgres' two scripts, imported as they are; what they do to a server: tests/local."""

from __future__ import annotations

import base64
import hmac
import sys
import types
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest

from components.generated import x509

FOLDER = Path(__file__).resolve().parents[3] / "images" / "postgres"


def script(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script as a module; the database driver is in the image only, and no decision needs it."""
    driver = types.ModuleType("psycopg2")
    driver.sql = types.ModuleType("psycopg2.sql")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "psycopg2", driver)
    spec = spec_from_loader(name, SourceFileLoader(name, str(FOLDER / name)))
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_verifier_is_the_one_of_the_standard(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exchange of RFC 7677, section 3: its server's signature follows from our server key."""
    made = script("postgres-roles", monkeypatch).verifier("pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="))
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    exchange = (f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}")
    server_key = base64.b64decode(made.rpartition(":")[2])
    signature = base64.b64encode(hmac.digest(server_key, exchange.encode(), "sha256")).decode()
    assert made.startswith("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$")
    assert signature == "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def test_a_verifier_that_fits_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    roles = script("postgres-roles", monkeypatch)
    existing = roles.verifier("right", b"any salt", iterations=5000)
    assert roles.fits("right", existing)
    assert not roles.fits("wrong", existing)
    assert not roles.fits("right", None)
    assert not roles.fits("right", "md5" + "0" * 32)


@pytest.mark.parametrize(("wanted", "current", "patch"), [
    ({"ttl": 20}, {"ttl": 20}, {}),
    ({"ttl": 20}, {"ttl": 30}, {"ttl": 20}),
    ({"ttl": 20}, {"ttl": 20, "pause": True, "standby_cluster": {"host": "x"}}, {}),
    ({"postgresql": {"parameters": {"a": 1}}}, {}, {"postgresql": {"parameters": {"a": 1}}}),
    ({"postgresql": {"parameters": {"a": 1}}}, {"postgresql": {"parameters": {"a": 1, "gone": 2}, "use_slots": True}},
     {"postgresql": {"parameters": {"gone": None}}}),
    ({"synchronous_mode": False}, {"synchronous_mode": "quorum"}, {"synchronous_mode": False}),
], ids=["same", "changed", "operations", "new", "removed", "off"])
def test_only_the_difference_is_sent(wanted: dict, current: dict, patch: dict,
                                     monkeypatch: pytest.MonkeyPatch) -> None:
    assert script("postgres-settings", monkeypatch).difference(wanted, current) == patch


def test_patroni_is_told_again_until_it_shows_the_new_certificate(
        monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It forgets its certificate where a password changed at the same time."""
    settings = script("postgres-settings", monkeypatch)
    authority, key = x509.make_authority("Evenkeel test", 2)
    wanted = {"commonName": "postgres", "hosts": ["localhost"], "authority": authority, "authorityKey": key}
    old, new = x509.issue(wanted, 1)["chain"], x509.issue(wanted, 1)["chain"]
    (tmp_path / "cert.pem").write_text(new)
    leaf = "-----END CERTIFICATE-----\n"
    signals: list[int] = []
    monkeypatch.setattr(settings, "CERTIFICATE", tmp_path / "cert.pem")
    monkeypatch.setattr(settings, "SIGNAL_AGAIN_S", 0)
    monkeypatch.setattr(settings.os, "kill", lambda pid, number: signals.append(pid))
    monkeypatch.setattr(settings.ssl, "get_server_certificate",
                        lambda *_, **__: (old if len(signals) < 2 else new).split(leaf)[0] + leaf)
    reload = settings.Reload(8008)
    with pytest.raises(settings.NotYetError):
        reload.require()
    assert signals == [1, 1]
    reload.require()
    assert signals == [1, 1], "it shows the new one: no further signal"
