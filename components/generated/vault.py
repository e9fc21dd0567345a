"""HashiCorp Vault's HTTP API: a secret of the key/value engine, version 2, by token or AppRole."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from typing import Any

import httpx

from components.generated.stores import UNCHANGED, StoreError


def read(source: Mapping[str, Any], name: str) -> tuple[str, str]:
    """Where the value of ``name`` is, and the value. Raises ``StoreError`` with Vault's own reason in words."""
    address = source["address"] or os.environ.get("VAULT_ADDR", "")
    path = f"{source['path'].strip('/')}/{name}"
    mount = source["mount"].strip("/")
    where = f"Vault's secret {mount}/{path}"
    if not address:
        raise _error(where, "no address is known", "set secrets.vault.address or VAULT_ADDR")
    namespace = source["namespace"] or os.environ.get("VAULT_NAMESPACE", "")
    authority = source["ca_file"] or os.environ.get("VAULT_CACERT", "")
    headers = {"X-Vault-Request": "true", **({"X-Vault-Namespace": namespace} if namespace else {})}
    try:
        trusted = ssl.create_default_context(cafile=authority) if authority else True
    except OSError:
        raise _error(where, f"the authority's file {authority} can't be read",
                     "correct secrets.vault.ca_file or VAULT_CACERT") from None
    # A standby redirects to the active node.
    with httpx.Client(base_url=address, timeout=source["timeout_s"], follow_redirects=True, verify=trusted,
                      headers=headers) as client:
        token = os.environ.get("VAULT_TOKEN") or _log_in(client, source, where)
        answer = _ask(client, "GET", f"/v1/{mount}/data/{path}", where, token=token)
    return where, _value(answer, source["field"], where)


def _log_in(client: httpx.Client, source: Mapping[str, Any], where: str) -> str:
    """A token for an AppRole."""
    role, secret = os.environ.get("VAULT_ROLE_ID"), os.environ.get("VAULT_SECRET_ID")
    if not role or not secret:
        raise _error(where, "no way to log in is known", "set VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID")
    answer = _ask(client, "POST", f"/v1/auth/{source['approle_mount'].strip('/')}/login", where,
                  body={"role_id": role, "secret_id": secret})
    token = (answer.get("auth") or {}).get("client_token")
    if not token:
        raise _error(where, "the AppRole's login gave no token", "look at the AppRole's settings in Vault")
    return str(token)


def _ask(client: httpx.Client, method: str, path: str, where: str, *, token: str = "",
         body: Mapping[str, str] | None = None) -> dict[str, Any]:
    try:
        answer = client.request(method, path, json=body, headers={"X-Vault-Token": token} if token else None)
    except httpx.TimeoutException:
        raise _error(where, f"{client.base_url} did not answer within {client.timeout.read:g} s",
                     "see that Vault is reachable from here") from None
    except httpx.HTTPError as error:
        raise _error(where, f"{client.base_url} can't be reached: {error}",
                     "see that Vault is reachable from here and secrets.vault.ca_file is its authority") from None
    if answer.status_code != httpx.codes.OK:
        raise _refused(answer, where, logging_in=body is not None)
    try:
        known = answer.json()
    except ValueError:
        known = None
    if not isinstance(known, dict):
        raise _error(where, f"{client.base_url} answers, but is no Vault", "correct secrets.vault.address")
    return known


def _refused(answer: httpx.Response, where: str, *, logging_in: bool) -> StoreError:
    said = _errors(answer)
    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        return _error(where, f"Vault is sealed or in maintenance (503{said})", "unseal it (`vault operator unseal`)")
    if answer.status_code == httpx.codes.NOT_FOUND:
        if _deleted(answer):
            return _error(where, "its newest version was deleted (404)", "put a new one (`vault kv put`)")
        return _error(where, f"it does not exist (404{said})", "put it there (`vault kv put`), or correct "
                                                             "secrets.vault.mount and secrets.vault.path")
    if answer.status_code == httpx.codes.FORBIDDEN:
        return _error(where, f"permission denied (403{said})", "renew the token (`vault login`), or give its policy "
                                                            "`read` on this path")
    if answer.status_code == httpx.codes.BAD_REQUEST and logging_in:
        return _error(where, f"the AppRole was refused (400{said})", "correct VAULT_ROLE_ID and VAULT_SECRET_ID")
    return _error(where, f"Vault answered {answer.status_code}{said}", "look into Vault's log")


def _errors(answer: httpx.Response) -> str:
    """Vault's own words. Its errors hold no value of a secret."""
    try:
        errors = answer.json().get("errors") or []
    except (ValueError, AttributeError):
        return ""
    return f", {'; '.join(' '.join(str(error).split()) for error in errors)}" if errors else ""


def _deleted(answer: httpx.Response) -> bool:
    try:
        return bool(answer.json()["data"]["metadata"]["deletion_time"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def _value(answer: Mapping[str, Any], field: str, where: str) -> str:
    data = answer.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("data"), dict) or "metadata" not in data:
        # Version 1 answers with the fields themselves, whose values must not be repeated.
        raise _error(where, "this is no key/value engine of version 2", "mount one (`vault secrets enable -version=2 "
                                                                        "kv`), or correct secrets.vault.mount")
    value = data["data"].get(field)
    if not isinstance(value, str):
        there = ", ".join(sorted(data["data"])) or "none"
        raise _error(where, f"it has no text in its field `{field}` (there: {there})",
                     "correct the secret, or secrets.vault.field")
    return value


def _error(where: str, reason: str, then: str) -> StoreError:
    return StoreError(f"{where} could not be read: {reason}.\n{UNCHANGED} Next: {then}; then run the same command "
                      "again.")
