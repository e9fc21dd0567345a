"""``make dashboard [PORT=8900 STACK=local]`` serves the page until Ctrl-C; ``FILE=path`` writes it once instead."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from components.settings import Settings, SettingsError
from operations.dashboard import page
from operations.dashboard.server import ADDRESS, Source, serve
from operations.policies.subject import config_of
from operations.setup.errors import SetupError

PORT = 8900


def main(arguments: Sequence[str]) -> int:
    """Exit status 2 for what can't be done."""
    options = {"STACK": "local", **{name: value for name, _, value in (part.partition("=") for part in arguments)
                                    if value}}
    console, stack = Console(), options["STACK"]
    port = options.get("PORT", str(PORT))
    if not port.isdigit() or not 0 < int(port) < 65536:
        console.print(f"PORT={port}: a number from 1 to 65535", highlight=False)
        return 2
    try:
        settings = Settings.load(config_of(stack), stack=stack, where=f"stacks/Pulumi.{stack}.yaml")
        if file := options.get("FILE"):
            return write(Source(stack, settings, served=False), Path(file), console)
        source = Source(stack, settings, served=True)
        # A stack without Prometheus is told now; one whose Prometheus ends later, by the page.
        source.see()
        return run(source, int(port), console)
    except (SetupError, SettingsError) as error:
        console.print(str(error), highlight=False, markup=False)
        return 2


def write(source: Source, file: Path, console: Console) -> int:
    """A page that stays as it is."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page.whole(source.see(), refreshes=False))
    except OSError as error:
        raise SetupError(f"{file} can't be written", why=str(error),
                         then="make dashboard FILE=build/page.html") from None
    console.print(f"written: {file}", highlight=False, markup=False)
    return 0


def run(source: Source, port: int, console: Console) -> int:
    """Serve until Ctrl-C."""
    server = serve(source, port)
    console.print(f"http://{ADDRESS}:{server.server_port}   Ctrl-C ends it; from elsewhere: ssh -L "
                  f"{server.server_port}:{ADDRESS}:{server.server_port} HOST", highlight=False, soft_wrap=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        console.print("\nended", highlight=False)
    finally:
        server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
