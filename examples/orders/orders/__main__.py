"""``python -m orders``: one worker, configured by the environment."""

from __future__ import annotations

import logging
import os
import sys

from orders import logs, tracing
from orders.configuration import Configuration, ConfigurationError
from orders.server import Server

log = logging.getLogger("orders")


def main() -> int:
    """Runs until told to stop. Returns the exit status: 2 for a configuration that can't be used."""
    try:
        configuration = Configuration.from_environment(os.environ)
    except ConfigurationError as error:
        print(f"orders: {error}", file=sys.stderr)
        return 2
    logs.configure(configuration.member, configuration.colour, configuration.version)
    tracing.configure(os.environ, configuration.member, configuration.version)
    Server(configuration).run()
    log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
