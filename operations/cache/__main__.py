"""``python -m operations.cache purge|warm [STACK=local] URLS='...' [FILE=...] [HOST=...] [DRY_RUN=1] [FORMAT=json]``

What `make purge`, `make warm` and the playbooks cache_purge.yml and cache_warm.yml run. Exit status 0 when every edge
did its part, 1 when one did not, 2 for a wrong command.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import yaml

from operations.cache import edges
from operations.setup.paths import ROOT

USAGE = "usage: python -m operations.cache purge|warm [STACK=local] URLS='/a /b*' [FILE=urls] [HOST=name] [DRY_RUN=1]"
SHOWN = 10


def main(arguments: Sequence[str]) -> int:
    command, options = (arguments or [""])[0], dict(part.split("=", 1) for part in arguments[1:] if "=" in part)
    stack = options.get("STACK") or "local"
    try:
        urls = wanted(options)
        if command == "purge":
            outcomes = edges.purge(stack, urls, dry_run=bool(options.get("DRY_RUN")))
            lines = [purged(outcome) for outcome in outcomes]
        elif command == "warm":
            outcomes = edges.warm(stack, options.get("HOST") or site(stack), urls)
            lines = [warmed(outcome) for outcome in outcomes]
        else:
            print(USAGE, file=sys.stderr)
            return 2
    except (edges.CacheError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    if options.get("FORMAT") == "json":
        lines = [json.dumps([asdict(outcome) for outcome in outcomes])]
    print("\n".join(lines))
    return 1 if any(outcome.problem or outcome.result.get("failed") for outcome in outcomes) else 0


def wanted(options: Mapping[str, str]) -> list[str]:
    """URLs of the command line and of the file, one per word; lines that begin with ``#`` are comments."""
    given = (options.get("URLS") or "").split()
    if options.get("FILE"):
        lines = Path(options["FILE"]).read_text().splitlines()
        given += [word for line in lines if not line.startswith("#") for word in line.split()]
    return given


def site(stack: str) -> str:
    """The name under which visitors know the stack: the first of ``edge.tls.hostnames``, else localhost."""
    file = ROOT / "stacks" / f"Pulumi.{stack}.yaml"
    config = (yaml.safe_load(file.read_text()) or {}).get("config", {}) if file.exists() else {}
    names = config.get("evenkeel:edge", {}).get("tls", {}).get("hostnames", [])
    return str(names[0]) if names else "localhost"


def purged(outcome: edges.Outcome) -> str:
    if outcome.problem:
        return f"{outcome.member}: not purged: {outcome.problem}"
    removed = outcome.result["removed"]
    more = f" and {len(removed) - SHOWN} more" if len(removed) > SHOWN else ""
    what = f": {', '.join(removed[:SHOWN])}{more}" if removed else ""
    return f"{outcome.member}: {outcome.result['files']} of {outcome.result['examined']} answers purged{what}"


def warmed(outcome: edges.Outcome) -> str:
    if outcome.problem:
        return f"{outcome.member}: not warmed up: {outcome.problem}"
    result = outcome.result
    lines = [f"{outcome.member}: {result['kept']} of {result['asked']} in the cache"]
    if result["passed"]:
        lines.append(f"  answered, but not to be cached: {', '.join(result['passed'][:SHOWN])}")
    lines += [f"  {path}: {problem}" for path, problem in list(result["failed"].items())[:SHOWN]]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
