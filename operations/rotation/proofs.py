"""Proofs between the steps of a rotation: every server is asked, with the values themselves, whom it lets in.

Only when every server accepts the new value may clients switch to it; only when every server shows a certificate of the
new authority may the old one go.
"""

from __future__ import annotations

import shlex
import textwrap
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import docker.errors
from docker.models.containers import Container

from components.certificates import AUTHORITY
from components.postgres_access import API_USER, logins
from components.redis import PORT as REDIS_PORT
from components.settings import Settings
from components.supervision import METRICS_PORT
from operations.rotation import inside
from operations.rotation.held import Held
from operations.setup import engine_state

PATIENCE_S = 20
"""Servers take over a file within a second or two of being told; on a busy machine later."""
PAUSE_S = 0.5
TLS = "/etc/evenkeel/tls"
POSTGRES_STARTTLS = "postgres"
ONE_AT_A_TIME = frozenset({"postgres-api"})
"""Patroni's login has one password. Nobody who serves a request uses it: only commands on the member itself do, which
read it where Patroni does."""
LISTENERS: Mapping[str, tuple[tuple[int, str], ...]] = {
    "nginx": ((8443, ""),), "haproxy": ((8443, ""), (10000, "")), "etcd": ((2379, ""), (2380, "")),
    "postgres": ((5432, POSTGRES_STARTTLS), (8008, "")), "pgbouncer": ((6432, POSTGRES_STARTTLS),),
    "redis": ((REDIS_PORT, ""), (REDIS_PORT + 10000, "")), "supervisor": ((METRICS_PORT, ""),),
}
"""Where a workload's members show their certificate: port, and the protocol that comes before TLS."""

REFUSALS = ("WRONGPASS", "authentication failed", "HTTP 401")
"""How Redis, Postgres and PgBouncer, Nginx and Patroni refuse a password."""

HANDSHAKE = textwrap.dedent("""
    import os, socket, ssl, sys
    port, before, authority = {port}, {before!r}, {authority!r}
    if os.path.exists("/etc/evenkeel/public/cert.pem"):
        sys.exit(0)  # its clients see the user's own certificate
    tls = ssl.create_default_context(cadata=authority)
    bundle = "{tls}/bundle.pem"
    cert, key = (bundle, bundle) if os.path.exists(bundle) else ("{tls}/cert.pem", "{tls}/key.pem")
    tls.load_cert_chain(cert, key)
    plain = socket.create_connection(("127.0.0.1", port), timeout=3)
    if before:
        plain.sendall(bytes.fromhex("0000000804d2162f"))
        plain.recv(1)
    try:
        tls.wrap_socket(plain, server_hostname="localhost").close()
    except ssl.SSLError as error:
        sys.exit(str(error))
""")


class ProofError(Exception):
    """A server doesn't do what the last step should have led to; names it, and what it said."""


@dataclass(frozen=True)
class Question:
    """Asked inside one member: exit status 0 is yes. No is only what ``REFUSALS`` says: a server that doesn't answer
    has refused nobody."""

    what: str
    container: Container
    command: tuple[str, ...]
    text: str
    wanted: bool

    def answered(self) -> str | None:
        """None where the answer is the wanted one, else what the member said."""
        try:
            code, said = inside.run(self.container, list(self.command), self.text)
        except (OSError, docker.errors.APIError) as error:
            return f"it can't be asked: {error}"
        refused = code != 0 and any(text in said for text in REFUSALS)
        if refused if not self.wanted else code == 0:
            return None
        return said.splitlines()[-1] if said else f"exit code {code}"


def accepted(stack: str, settings: Settings, names: Mapping[str, Held]) -> list[Question]:
    """Does every server accept every value of these names?"""
    return [question for held in names.values() for slot, value in held.by_slot.items()
            if value == held.in_use or held.name not in ONE_AT_A_TIME
            for question in _logins(stack, settings, held.name, slot, value, wanted=True)]


def refused(stack: str, settings: Settings, before: Mapping[str, Held], now: Mapping[str, Held]) -> list[Question]:
    """Does every server refuse the values that were accepted before and are no longer?"""
    return [question for held in before.values() for slot, value in held.by_slot.items()
            if value not in now[held.name].by_slot.values()
            for question in _logins(stack, settings, held.name, slot, value, wanted=False)]


def issued_by(stack: str, authority: str) -> list[Question]:
    """Does every member show a certificate that this authority issued?"""
    return [Question(f"{container.labels['evenkeel.member']} shows a certificate of the new authority on port {port}",
                     container, ("python3", "-"),
                     HANDSHAKE.format(port=port, before=before, authority=authority, tls=TLS), wanted=True)
            for container in engine_state.containers(stack)
            for port, before in LISTENERS.get(container.labels["evenkeel.workload"], ())]


def require(questions: list[Question], say: Callable[[str], None]) -> None:
    """Return when every answer is the wanted one; raise ``ProofError`` after ``PATIENCE_S``."""
    deadline = time.monotonic() + PATIENCE_S
    left = questions
    told = False
    while left:
        with ThreadPoolExecutor(max_workers=4) as pool:
            answers = list(pool.map(Question.answered, left))
        wrong = [(question, answer) for question, answer in zip(left, answers, strict=True) if answer is not None]
        if wrong and time.monotonic() > deadline:
            raise ProofError("\n".join(f"  not so: {question.what}: {answer}" for question, answer in wrong))
        if wrong and not told:
            say(f"waiting until {wrong[0][0].what}" + (f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""))
            told = True
        left = [question for question, _ in wrong]
        if left:
            time.sleep(PAUSE_S)


def _logins(stack: str, settings: Settings, name: str, slot: str, value: str, *, wanted: bool) -> list[Question]:
    tier, _, rest = name.partition("-")
    if name == AUTHORITY:
        return []
    if tier == "redis":
        return _asked(stack, "redis", name, _redis(rest, value), wanted)
    if tier == "edge":
        return _asked(stack, "nginx", name, _nginx(rest, value), wanted) \
            if rest in settings.edge.basic_auth.users else []
    postgres = settings.postgres
    for login, database in zip(logins(postgres), (postgres.database, postgres.readonly_database), strict=True):
        if login.secret == name:
            user = login.name(slot)
            return [*_asked(stack, "pgbouncer", name, _psql("localhost", 6432, database, user, value), wanted),
                    *_asked(stack, "postgres", name, _psql("localhost", 5432, postgres.database, user, value), wanted)]
    return _asked(stack, "postgres", name, _patroni(value), wanted)


def _asked(stack: str, workload: str, name: str, script: str, wanted: bool) -> list[Question]:
    verb = "accepts" if wanted else "refuses the old"
    return [Question(f"{container.labels['evenkeel.member']} {verb} {name}", container, ("sh",), script, wanted)
            for container in engine_state.containers(stack) if container.labels["evenkeel.workload"] == workload]


def _redis(user: str, password: str) -> str:
    options = f"--tls --cacert {TLS}/ca.pem --cert {TLS}/cert.pem --key {TLS}/key.pem --no-auth-warning"
    return (f"REDISCLI_AUTH={shlex.quote(password)} redis-cli -p {REDIS_PORT} {options} --user {shlex.quote(user)} PING"
            " | tee /dev/stderr | grep -q PONG\n")


def _psql(host: str, port: int, database: str, user: str, password: str) -> str:
    target = f"host={host} port={port} dbname={database} user={user} sslmode=verify-full sslrootcert={TLS}/ca.pem"
    return (f"export PGCONNECT_TIMEOUT=3 PGPASSWORD={shlex.quote(password)}\n"
            f"exec psql {shlex.quote(target)} -Atc 'SELECT 1'\n")


def _nginx(user: str, password: str) -> str:
    """Its answer to a path that nobody has; whatever is no 401 means that the login was accepted."""
    return (_status("--insecure", "https://127.0.0.1:8443/evenkeel-rotation", user, password)
            + '[ "$code" != 401 ] && [ "$code" != 403 ] && [ "$code" != 000 ]\n')


def _patroni(password: str) -> str:
    """A change that changes nothing, for which Patroni asks for its login."""
    options = f"--cacert {TLS}/ca.pem --request PATCH --data '{{\"evenkeel\": null}}'"
    return _status(options, "https://localhost:8008/config", API_USER, password) + '[ "$code" = 200 ]\n'


def _status(options: str, url: str, user: str, password: str) -> str:
    """Sets ``code`` to the answer's status; 000 without an answer."""
    return (f"code=$(curl --silent --output /dev/null --write-out '%{{http_code}}' --max-time 5 {options} --config - "
            f"{url} <<'END'\nuser = \"{user}:{password}\"\nEND\n)\n"
            'echo "HTTP $code"\n')
