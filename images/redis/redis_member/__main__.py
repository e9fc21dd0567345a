"""``python3 -m redis_member form``, ``reload`` or ``succeed``."""

from __future__ import annotations

import sys

from redis_member import formation, reload, succession
from redis_member.settings import Settings

COMMANDS = {"form": formation.run, "reload": reload.run, "succeed": succession.run}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        print(f"usage: redis_member {'|'.join(COMMANDS)}", file=sys.stderr)
        return 2
    return COMMANDS[arguments[0]](Settings.load())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
