"""Every connection the platform offers an application, under the names that applications usually read.

Each comes in two forms: with the password in a variable's value (handed to the process alone, never to the
container's configuration), or with files that hold the passwords and variables that name the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from components.postgres_access import logins
from components.rendering import join, render_string
from components.tier import Context
from components.workload import CONFIG_DIR

CA_PATH = f"{CONFIG_DIR}/tls/ca.pem"
SERVICE_FILE = "secrets/pg_service.conf"
REDIS_PURPOSES = ("cache", "session", "queue")
POSTGRES_PORT = 6432
REDIS_PORT = 6379
REDIS_SEEDS = 6
"""Members that a client is told of; each tells it the others. Two for each of three failure domains: enough, whoever is
away, and the workers stay as they are when members are added."""


@dataclass(frozen=True)
class Connection:
    """What one service hands over."""

    variables: Mapping[str, str] = field(default_factory=dict)
    """Without any secret, in both forms."""
    secret_variables: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Values that contain a password."""
    file_variables: Mapping[str, str] = field(default_factory=dict)
    """The same without the password, naming a file."""
    secret_files: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """These files by their path under ``CONFIG_DIR``."""


def connections(context: Context) -> list[Connection]:
    """Postgres for writing and reading, Redis by purpose."""
    return [_postgres(context), *(_redis(context, purpose) for purpose in REDIS_PURPOSES), _redis_nodes(context)]


def _postgres(context: Context) -> Connection:
    """The writer behind DATABASE_URL; the readers behind DATABASE_READ_REPLICA_URL, with a role that can't write.

    A rotation changes user and password together. So files hold both: libpq's service file, from which the URLs without
    a password name a section, and for everybody else a file with the whole URL.
    """
    settings = context.settings.postgres
    writer, reader = logins(settings)
    host = f"{context.names.service('pgbouncer')}:{POSTGRES_PORT}"
    query = f"sslmode=verify-full&sslrootcert={CA_PATH}"
    with_password: dict[str, pulumi.Input[str]] = {}
    with_service = {"PGSERVICEFILE": f"{CONFIG_DIR}/{SERVICE_FILE}"}
    files: dict[str, pulumi.Input[str]] = {}
    sections: list[pulumi.Input[str]] = []
    for variable, service, login, database in (
            ("DATABASE_URL", "writer", writer, settings.database),
            ("DATABASE_READ_REPLICA_URL", "reader", reader, settings.readonly_database)):
        path = f"secrets/{variable.lower().replace('_', '-')}"
        known = {"user": login.name_in_use(context.secrets), "password": context.secrets.password(login.secret)}
        with_password[variable] = render_string(
            f"postgresql://{{{{ user }}}}:{{{{ password }}}}@{host}/{database}?{query}", **known)
        with_service[variable] = f"postgresql://{host}/{database}?{query}&service={service}"
        with_service[f"{variable}_FILE"] = f"{CONFIG_DIR}/{path}"
        files[path] = with_password[variable]
        sections.append(render_string(f"[{service}]\nuser={{{{ user }}}}\npassword={{{{ password }}}}\n", **known))
    return Connection(secret_variables=with_password, file_variables=with_service,
                      secret_files={**files, SERVICE_FILE: join(sections)})


def _redis(context: Context, purpose: str) -> Connection:
    password = context.secrets.password(f"redis-{purpose}")
    name = f"REDIS_{purpose.upper()}"
    path = f"secrets/redis-{purpose}"
    return Connection(
        variables={f"{name}_HOST": context.names.service("redis"), f"{name}_PORT": str(REDIS_PORT),
                   f"{name}_USER": purpose, f"{name}_PREFIX": f"{purpose}:"},
        secret_variables={f"{name}_PASSWORD": password},
        file_variables={f"{name}_PASSWORD_FILE": f"{CONFIG_DIR}/{path}"},
        secret_files={path: password},
    )


def _redis_nodes(context: Context) -> Connection:
    names, count = context.names, min(context.settings.redis.members, REDIS_SEEDS)
    nodes = ",".join(f"{names.member('redis', n)}:{REDIS_PORT}" for n in range(1, count + 1))
    return Connection(variables={"REDIS_CLUSTER_NODES": nodes, "REDIS_TLS_CA": CA_PATH,
                                 "REDIS_HOST": names.service("redis"), "REDIS_PORT": str(REDIS_PORT)})
