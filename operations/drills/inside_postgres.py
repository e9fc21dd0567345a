"""Runs inside a Postgres member: while that takes writes, it writes, and says of each whether it was acknowledged, and
on which timeline. So a drill knows who could write when, whatever the proxies say. Its times are those of the member's
clock, which it tells first. Imports nothing of ours."""

from __future__ import annotations

import json
import os
import sys
import time

STEP_S = 0.2
LOOKS, LOOK_S = 5, 0.02
WRITE = ("INSERT INTO evenkeel_drill VALUES (%s, %s) "
         "RETURNING ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int")


def say(**told: object) -> None:
    print(json.dumps(told), flush=True)


def write(connection, member: str, number: int) -> None:  # type: ignore[no-untyped-def]
    """One write, unless this is a replica. A warning means that nobody else confirmed it: not acknowledged."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery()")
        if cursor.fetchone()[0]:
            return
        del connection.notices[:]
        began = time.time()
        cursor.execute(WRITE, (member, number))
        timeline = cursor.fetchone()[0]
        if not any("WARNING" in notice for notice in connection.notices):
            say(number=number, timeline=timeline, began=began, ended=time.time())


def main() -> None:
    import psycopg2  # type: ignore[import-untyped]

    member, end = sys.argv[1], time.monotonic() + float(sys.argv[2])
    say(pid=os.getpid())
    for _ in range(LOOKS):
        say(clock=time.time())
        time.sleep(LOOK_S)
    connection, number = None, int(time.time() * 1000)
    while time.monotonic() < end:
        try:
            if connection is None:
                connection = psycopg2.connect(host="/run", user="postgres", dbname="postgres", connect_timeout=2)
                connection.autocommit = True
            number += 1
            write(connection, member, number)
        except psycopg2.Error:
            connection = None
        time.sleep(STEP_S)


if __name__ == "__main__":
    main()
