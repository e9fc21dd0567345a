"""One JSON object in, one out. Exit status 2 when it can't be understood."""

from __future__ import annotations

import dataclasses
import json
import sys

from edge_cache import purge, warm


def main(arguments: list[str]) -> int:
    try:
        command, text = arguments
        request = json.loads(text)
        if command == "purge":
            result = purge.purge(purge.FOLDER, **request)
        elif command == "warm":
            result = warm.warm(**request)
        else:
            raise ValueError(f"unknown command {command!r}")
    except (TypeError, ValueError) as error:
        print(f"edge_cache: {error}", file=sys.stderr)
        return 2
    print(json.dumps(dataclasses.asdict(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
