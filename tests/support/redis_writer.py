"""Runs inside a worker: writes keys and reads them again, without a pause, until its input ends; then reads them all.

It is sent as a whole. Prints one JSON object: how many writes, reads and errors, and what was lost.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from collections import Counter

RATE_PER_S = 200


def main() -> None:
    from redis.cluster import ClusterNode, RedisCluster

    names = [node.split(":")[0] for node in os.environ["REDIS_CLUSTER_NODES"].split(",")]
    with open("/etc/evenkeel/secrets/redis-cache") as file:
        password = file.read().strip()
    redis = RedisCluster(startup_nodes=[ClusterNode(name, 6379) for name in names], username="cache", password=password,
                         ssl=True, ssl_ca_certs="/etc/evenkeel/tls/ca.pem", decode_responses=True)
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    print("ready", flush=True)
    written = 0
    errors: Counter[str] = Counter()
    longest = 0.0
    while not ended.is_set():
        began = time.monotonic()
        try:
            redis.set(f"cache:scale-{written}", f"value {written}", ex=3600)
            written += 1
            # A key that nobody ever wrote is what ASK is for; the pair shares a slot.
            some = random.randrange(written)
            assert redis.get(f"cache:scale-{some}") == f"value {some}", f"wrong value of {some}"
            redis.get(f"cache:never-{some}")
            with redis.pipeline() as pipeline:
                pipeline.incr(f"{{cache:pair-{some}}}:a").incr(f"{{cache:pair-{some}}}:b")
                pipeline.execute()
            redis.delete(f"{{cache:pair-{some}}}:a", f"{{cache:pair-{some}}}:b")
        except Exception as error:
            errors[f"{type(error).__name__}: {error}"[:200]] += 1
        took = time.monotonic() - began
        longest = max(longest, took)
        ended.wait(max(0.0, 5 / RATE_PER_S - took))
    lost = [number for number in range(written) if redis.get(f"cache:scale-{number}") != f"value {number}"]
    print(json.dumps({"written": written, "errors": dict(errors), "lost": len(lost), "longest_s": round(longest, 3)}))


if __name__ == "__main__":
    main()
