"""What a supervisor tells Prometheus, and whom it tells."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.generated import x509
from operations.supervisor.engine import Listed
from operations.supervisor.figures import Figures, serve
from operations.supervisor.pair import Role
from operations.supervisor.usage import Usage


def listed(member: str, status: str = "running", *, schedule: str | None = None) -> Listed:
    labels = {"evenkeel.member": member, "evenkeel.workload": member.rpartition("-")[0], "evenkeel.tier": "app",
              "evenkeel.domain": "a", "evenkeel.colour": "blue"}
    return Listed(f"id-{member}", f"evenkeel-x-{member}", status, True, schedule, labels)


@pytest.fixture
def figures() -> Figures:
    return Figures(lambda: Role.LEADER)


def value(text: str, name: str) -> str:
    found = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(f"{name} ")]
    assert len(found) == 1, f"{name} in:\n{text}"
    return found[0]


def test_members_run_or_do_not(figures: Figures) -> None:
    figures.look(1700000000.5, [listed("web-1"), listed("web-2", "exited"),
                                listed("job-1", "exited", schedule="* * *")])
    text = figures.text()
    labels = 'tier="app",workload="web",member="web-%s",domain="a",colour="blue"'
    assert value(text, f"evenkeel_member_running{{{labels % 1}}}") == "1"
    assert value(text, f"evenkeel_member_running{{{labels % 2}}}") == "0"
    assert value(text, "evenkeel_supervisor_engine_seen_seconds") == "1700000000.500"
    assert "job-1" not in text, "it is not there most of the time"


def test_counts_are_there_before_there_is_anything_to_count(figures: Figures) -> None:
    """Else the first event would be no increase."""
    figures.look(1.0, [listed("web-1")])
    assert value(figures.text(), 'evenkeel_supervisor_actions_total{action="not released"}') == "0"
    figures.count("started", "web-1")
    figures.count("failed", "web-1")
    figures.count("role", None)
    text = figures.text()
    assert value(text, 'evenkeel_supervisor_actions_total{action="started"}') == "1"
    returns = [line for line in text.splitlines() if line.startswith("evenkeel_member_returns_total{")]
    assert len(returns) == 1 and returns[0].endswith(" 1")


@pytest.mark.parametrize(("role", "leads"), [(Role.LEADER, "1"), (Role.STANDBY, "0"), (Role.ALONE, "0")])
def test_one_leads(role: Role, leads: str) -> None:
    assert value(Figures(lambda: role).text(), "evenkeel_supervisor_leads") == leads


@pytest.fixture
def tls(tmp_path: Path) -> Path:
    authority, key = x509.make_authority("Evenkeel test", 2)
    issued = x509.issue({"commonName": "supervisor", "hosts": ["localhost"], "authority": authority,
                         "authorityKey": key}, 1)
    (tmp_path / "tls").mkdir()
    for name, text in (("ca", authority), ("cert", issued["chain"]), ("key", issued["key"])):
        (tmp_path / "tls" / f"{name}.pem").write_text(text)
    return tmp_path / "tls"


@pytest.fixture
def port(figures: Figures, tls: Path) -> Iterator[int]:
    server = serve(figures, tls.parent, port=0)
    yield int(server.server_address[1])
    server.shutdown()
    server.server_close()


def ask(port: int, tls: Path, path: str = "/metrics", *, show: bool = True) -> tuple[int, str]:
    context = ssl.create_default_context(cafile=str(tls / "ca.pem"))
    if show:
        context.load_cert_chain(tls / "cert.pem", tls / "key.pem")
    connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=5)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_whoever_has_a_certificate_is_told(port: int, tls: Path) -> None:
    status, text = ask(port, tls)
    assert status == 200 and text.startswith("# HELP evenkeel_supervisor_leads")
    assert ask(port, tls, "/else")[0] == 404


def test_nobody_else_is(port: int, tls: Path) -> None:
    with pytest.raises((ssl.SSLError, http.client.RemoteDisconnected, ConnectionError)):
        ask(port, tls, show=False)


def test_what_members_take(figures: Figures) -> None:
    figures.look(1.0, [listed("web-1"), listed("web-2")])
    figures.measure({"web-1": Usage(2.5, 0.125, 0.5, 26000000, 268435456), "gone-1": Usage(1, 1, 1, 1, 1)})
    text, labels = figures.text(), 'tier="app",workload="web",member="web-1",domain="a",colour="blue"'
    assert value(text, f"evenkeel_member_cpu_seconds_total{{{labels}}}") == "2.5"
    assert value(text, f"evenkeel_member_cpu_limit_cores{{{labels}}}") == "0.5"
    assert value(text, f"evenkeel_member_memory_bytes{{{labels}}}") == "26000000"
    assert "gone-1" not in text
