"""Which Postgres parameters a running server takes, and which only a new start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

PATRONI_FILE = "patroni/patroni.yml"

NEED_RESTART = frozenset({
    "archive_mode", "autovacuum_freeze_max_age", "autovacuum_max_workers", "autovacuum_multixact_freeze_max_age",
    "bonjour", "bonjour_name", "cluster_name", "config_file", "data_directory", "data_sync_retry",
    "dynamic_shared_memory_type", "event_source", "external_pid_file", "hba_file", "hot_standby", "huge_page_size",
    "huge_pages", "ident_file", "ignore_invalid_pages", "jit_provider", "listen_addresses", "logging_collector",
    "max_connections", "max_files_per_process", "max_locks_per_transaction", "max_logical_replication_workers",
    "max_pred_locks_per_transaction", "max_prepared_transactions", "max_replication_slots", "max_wal_senders",
    "max_worker_processes", "min_dynamic_shared_memory", "old_snapshot_threshold", "pg_stat_statements.max", "port",
    "recovery_target", "recovery_target_action", "recovery_target_inclusive", "recovery_target_lsn",
    "recovery_target_name", "recovery_target_time", "recovery_target_timeline", "recovery_target_xid",
    "shared_buffers", "shared_memory_type", "shared_preload_libraries", "superuser_reserved_connections",
    "track_activity_query_size", "track_commit_timestamp", "unix_socket_directories", "unix_socket_group",
    "unix_socket_permissions", "wal_buffers", "wal_decode_buffer_size", "wal_level", "wal_log_hints",
})
"""Postgres 15's parameters of the context ``postmaster`` (a test asks the real one)."""


def dynamic(patroni_file: str) -> Mapping[str, Any]:
    """What Patroni keeps for all members, from one member's file, flat: ``ttl``, ``parameters.work_mem`` ..."""
    settings = (yaml.safe_load(patroni_file) or {}).get("bootstrap", {}).get("dcs", {})
    postgresql = settings.get("postgresql", {})
    flat = {key: value for key, value in settings.items() if key != "postgresql"}
    flat |= {key: value for key, value in postgresql.items() if key != "parameters"}
    return {**flat, **{f"parameters.{name}": value for name, value in postgresql.get("parameters", {}).items()}}


def changed(before: str, after: str) -> list[str]:
    """The dynamic settings in which two versions of the file differ; parameters by their own name."""
    old, new = dynamic(before), dynamic(after)
    return sorted(key.removeprefix("parameters.") for key in {*old, *new} if old.get(key) != new.get(key))


def apart_from_dynamic(patroni_file: str) -> Any:
    """The rest of the file, which Patroni reads at a reload."""
    read = yaml.safe_load(patroni_file) or {}
    read.get("bootstrap", {}).pop("dcs", None)
    return read
