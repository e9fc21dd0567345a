"""What Prometheus reads at /metrics. Times in seconds."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""200 ms and 1 s and 2 s are thresholds of alerts and canaries: each has an edge of its own."""

REQUESTS = Counter("orders_http_requests_total", "Answered requests.", ["route", "method", "status"])
SECONDS = Histogram("orders_http_request_seconds", "Time to answer a request.", ["route"], buckets=BUCKETS)
IN_FLIGHT = Gauge("orders_http_requests_in_flight", "Requests being answered.")
PLACED = Counter("orders_placed_total", "Attempts to place an order by how they ended.", ["outcome"])
CACHE = Counter("orders_cache_total", "Lookups in the cache: hit, miss, or bypass where Redis can't be reached.",
                ["result"])
CATALOGUE = Counter("orders_catalogue_requests_total", "Requests for the catalogue that no cache on the way answered.")
FEED_CLIENTS = Gauge("orders_websockets", "Open WebSockets.")
FEED_MESSAGES = Counter("orders_feed_messages_total", "Messages sent to WebSockets.")
FEED_DROPPED = Counter("orders_feed_dropped_total", "WebSockets closed because they read too slowly.")
CONNECTIONS = Gauge("orders_database_connections", "Connections to the database.", ["pool", "state"])
WAITING = Gauge("orders_database_waiting", "Requests that wait for a connection.", ["pool"])
DEPENDENCY = Gauge("orders_dependency_up", "1 where the dependency answered when last asked.", ["dependency"])
BUILD = Gauge("orders_build_info", "Always 1; what runs is in the labels.", ["version", "colour"])
