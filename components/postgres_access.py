"""Who may log in to Postgres, and how.

Members of the platform prove themselves by their certificates: replicas and pg_rewind as members, PgBouncer as the
pooler, the exporters as themselves. They have no password, so a new authority (``make rotate WHAT=ca``) is all their
rotation. Passwords are for the application alone, at PgBouncer or at pgproxy. Postgres and PgBouncer keep one password
per role, so each login is a pair of roles, ``app`` and ``app_b``: in the middle of a rotation both have one. Whichever
logs in acts as the first, who owns everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import pulumi

from components.generated.rotation import SLOTS
from components.secrets import Secrets
from components.settings.postgres import ALTERNATE, POOLED
from components.settings.postgres import Postgres as PostgresSettings

REPLICATION_USER, REWIND_USER, MONITORING_USER, API_USER = "replicator", "rewinder", "monitor", "patroni"
MEMBER_CERTIFICATE, POOLER_CERTIFICATE, MONITORING_CERTIFICATE = "postgres", "pgbouncer", "exporters"
"""Common names: those of the workloads."""
REWIND_FUNCTIONS = (
    "pg_catalog.pg_ls_dir(text, boolean, boolean)", "pg_catalog.pg_stat_file(text, boolean)",
    "pg_catalog.pg_read_binary_file(text)", "pg_catalog.pg_read_binary_file(text, bigint, bigint, boolean)",
)
"""What pg_rewind needs on the server it copies from (its manual, "Notes")."""


@dataclass(frozen=True)
class Login:
    """How the application logs in: ``user`` with the password of the secret ``secret``."""

    user: str
    secret: str
    member_of: tuple[str, ...] = ()
    read_only: bool = False

    def name(self, slot: str) -> str:
        """The role of a slot."""
        return self.user if slot == SLOTS[0] else self.user + ALTERNATE

    @property
    def names(self) -> list[str]:
        """Of both slots."""
        return [self.name(slot) for slot in SLOTS]

    @property
    def pooled(self) -> str:
        """The role as which PgBouncer logs in for all of them, by its certificate: a pool belongs to a role, and must
        outlive a password."""
        return self.user + POOLED

    def name_in_use(self, secrets: Secrets) -> pulumi.Output[str]:
        """The role that clients log in as now."""
        return secrets.slot(self.secret).apply(self.name)


def logins(settings: PostgresSettings) -> tuple[Login, Login]:
    """Of the application, for writing and for reading."""
    return (Login(settings.user, "postgres-app"),
            Login(settings.readonly_user, "postgres-readonly", ("pg_read_all_data",), read_only=True))


def roles(settings: PostgresSettings, secrets: Secrets) -> list[dict[str, Any]]:
    """Everybody who may log in over the network, for postgres-roles. The superuser is none of them."""
    role: dict[str, Any] = {"password": None, "replication": False, "member_of": [], "functions": [], "settings": {}}
    found: list[dict[str, Any]] = []
    for login in logins(settings):
        owner, *others = login.names
        limits = _limits(settings, login)
        found.append({**role, "name": owner, "member_of": list(login.member_of), "settings": limits})
        # Whatever an alter ego makes belongs to the first.
        found += [{**role, "name": name, "member_of": [owner], "settings": {**limits, "role": owner}}
                  for name in (*others, login.pooled)]
        for slot, known in zip(SLOTS, found[-len(SLOTS) - 1:-1], strict=True):
            known["password"] = secrets.accepted(login.secret).apply(partial(_of_slot, slot))
    return [
        *found,
        {**role, "name": REPLICATION_USER, "replication": True},
        {**role, "name": REWIND_USER, "functions": list(REWIND_FUNCTIONS)},
        {**role, "name": MONITORING_USER, "member_of": ["pg_monitor"]},
    ]


def databases(settings: PostgresSettings) -> list[dict[str, Any]]:
    """The application's database."""
    return [{"name": settings.database, "owner": settings.user,
             "readers": [settings.readonly_user, MONITORING_USER]}]


def identities(settings: PostgresSettings) -> list[dict[str, str]]:
    """Lines of pg_ident.conf: which certificate may be which role."""
    return [
        *({"map": "members", "certificate": MEMBER_CERTIFICATE, "role": role}
          for role in (REPLICATION_USER, REWIND_USER)),
        *({"map": "poolers", "certificate": POOLER_CERTIFICATE, "role": login.pooled} for login in logins(settings)),
        {"map": "exporters", "certificate": MONITORING_CERTIFICATE, "role": MONITORING_USER},
    ]


def pooler_users(settings: PostgresSettings, secrets: Secrets) -> pulumi.Output[list[dict[str, str]]]:
    """PgBouncer's own list: every login that has a password, and the one for operations, which may use its console."""
    both = [secrets.accepted(login.secret).apply(partial(_users, login)) for login in logins(settings)]
    # The exporters show their certificate, and hba.conf lets nobody in by an empty password.
    exporters = {"name": MONITORING_CERTIFICATE, "password": ""}
    operator = secrets.password("postgres-api").apply(
        lambda password: [{"name": API_USER, "password": password}, exporters])
    return pulumi.Output.all(*both, operator).apply(lambda lists: [user for users in lists for user in users])


def _users(login: Login, accepted: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": login.name(slot), "password": password} for slot, password in accepted.items()]


def _of_slot(slot: str, accepted: dict[str, str]) -> str | None:
    return accepted.get(slot)


def _limits(settings: PostgresSettings, login: Login) -> dict[str, str]:
    limits = {"statement_timeout": f"{settings.statement_timeout_ms}ms",
              "idle_in_transaction_session_timeout": f"{settings.idle_in_transaction_timeout_ms}ms"}
    return {**limits, "default_transaction_read_only": "on"} if login.read_only else limits
