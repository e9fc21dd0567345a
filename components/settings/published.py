"""Host ports by the stack's name, so that stacks stand side by side without being told to."""

from __future__ import annotations

import zlib

LOCAL_HTTPS, LOCAL_HTTP = 8443, 8080
FIRST, STRIDE, STACKS = 20000, 16, 780
"""Other stacks: 16 ports each, within 20000-32479, below Linux's ephemeral ports (32768 and up)."""


def default_ports(stack: str) -> tuple[int, int]:
    """(HTTPS, HTTP) port of the first edge; edge n has the n-1 next ones. Two stacks may meet: a setting decides."""
    if stack == "local":
        return LOCAL_HTTPS, LOCAL_HTTP
    base = FIRST + STRIDE * (zlib.crc32(stack.encode()) % STACKS)
    return base, base + STRIDE // 2
