"""The receipt of a release: what a client saw while it switched, against what the load balancers counted.

``dropped`` is a request that got no answer, or one by which the edge says that it had none to give; ``wrong`` one that
was answered, but not as it should be. What was retried on the way is counted apart, since a client never sees it.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from operations.releases.trial import Events, Request

NO_ANSWER = frozenset({0, 502, 503, 504})
RESTART = 1012
"""With which a worker closes a WebSocket that is to connect again."""
NORMAL = frozenset({1000, 1001, RESTART, 1013})
DURING_S = 1.0
"""How long after a switch's last word its requests count as `during`."""
SHOWN = 20
UNFINISHED_OF_LAST = 4000
"""A request that is under way at the end is one of the last so many."""


def dropped(request: Request) -> bool:
    return request.status in NO_ANSWER


def wrong(request: Request) -> bool:
    return not dropped(request) and not 200 <= request.status < 400


def failed(request: Request) -> bool:
    return dropped(request) or wrong(request)


def made(release: Mapping[str, Any], events: Events, before: Mapping[str, Any], after: Mapping[str, Any],
         ) -> dict[str, Any]:
    """The receipt as data."""
    requests, marks = events.requests, list(release.get("marks", ()))
    told: dict[str, Any] = {
        "release": {key: release.get(key) for key in ("name", "serial", "stack", "image", "old_image", "colour",
                                                      "old_colour", "strategy", "state", "why")},
        "sent": len(requests),
        "answered": sum(1 for request in requests if not dropped(request)),
        "dropped": sum(map(dropped, requests)),
        "wrong": sum(map(wrong, requests)),
        "broken_off_at_the_end": events.cancelled,
        "by_kind": dict(Counter(request.kind for request in requests)),
        "by_colour": dict(Counter(request.colour for request in requests)),
        "new_connections": sum(request.connected for request in requests),
        "sent_to_other_edge": sum(request.elsewhere for request in requests),
        "retried_at_the_edge": retried(before, after),
        "websockets": sockets(events),
        "latency_ms": latency(requests, marks),
        "switch_ms": took(marks, "switch"),
        "rollback_ms": took(marks, "rollback"),
        "switches": [described(mark, requests) for mark in marks],
        "failures": [f"{request.sent:.3f} {request.kind} {request.status} by {request.colour} {request.error}".strip()
                     for request in sorted(filter(failed, requests), key=wrong)][:SHOWN],
    }
    told["reconciled"], told["reconciliation"] = reconcile(events, before, after)
    return told


def took(marks: Sequence[Mapping[str, Any]], what: str) -> float | None:
    """From the first runtime command until the last request to the old colour, or until the last load balancer's word
    where none came later; in ms. The longest of them; None where there was no such switch."""
    found = [max(mark.get("last_old_ms") or 0.0, mark["acknowledged_ms"]) for mark in marks
             if mark.get("what") == what and mark.get("percent") == 100]
    return round(max(found), 2) if found else None


def described(mark: Mapping[str, Any], requests: Iterable[Request]) -> dict[str, Any]:
    """A switch, with what the client saw of it: ms from the first runtime command."""
    began, colour = mark["began"], mark.get("colour")
    new = [request.sent + request.took_ms / 1000 for request in requests if request.colour == colour]
    first = min((at for at in new if at >= began), default=None)
    return {**mark, "first_on_new_ms": None if first is None else round((first - began) * 1000),
            "typed_to_command_ms": round((began - mark["typed"]) * 1000) if mark.get("typed") else None}


def latency(requests: Sequence[Request], marks: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float | int]]:
    """Median and 99th percentile before the first switch, around switches, and otherwise after."""
    spans = [(mark["began"], mark["began"] + max(mark.get("last_old_ms") or 0, mark["acknowledged_ms"]) / 1000
              + DURING_S) for mark in marks]
    first = min((begin for begin, _ in spans), default=math.inf)
    sorted_out: dict[str, list[float]] = {"before": [], "during": [], "after": []}
    for request in requests:
        inside = any(begin <= request.sent + request.took_ms / 1000 and request.sent < end for begin, end in spans)
        sorted_out["during" if inside else "before" if request.sent < first else "after"].append(request.took_ms)
    return {phase: {"requests": len(times), "p50": percentile(times, 50), "p99": percentile(times, 99)}
            for phase, times in sorted_out.items() if times}


def percentile(values: Sequence[float], percent: int) -> float:
    """Nearest rank."""
    return sorted(values)[max(0, math.ceil(percent / 100 * len(values)) - 1)]


def sockets(events: Events) -> dict[str, int]:
    """Opened, closed by the worker with the word to come again, closed otherwise, cut or refused."""
    codes = Counter(event.code for event in events.sockets if event.what == "close")
    return {"opened": sum(event.what == "open" for event in events.sockets), "told_to_reconnect": codes[RESTART],
            "closed": sum(count for code, count in codes.items() if code in NORMAL - {RESTART}),
            "cut": sum(count for code, count in codes.items() if code not in NORMAL)
            + sum(event.what == "error" for event in events.sockets)}


def retried(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, int | None]:
    """By Nginx on another load balancer (None: its log isn't known), by HAProxy on the same or another worker. Over
    all requests of the platform in that time."""
    known = _delta(before, after)
    return {"by_nginx": after.get("edges", {}).get("tried_again"), "by_haproxy": known["retries"],
            "on_another_worker": known["redispatches"]}


def reconcile(events: Events, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[bool | None, str]:
    """Whether client, edges and load balancers agree; None where somebody's count is not to be had."""
    edges = after.get("edges", {})
    if "requests" not in edges:
        return None, f"the edges' logs can't be read: {edges.get('problem', 'nothing was kept')}"
    if not before:
        return None, "nothing was counted before the load began"
    if gone := _changed(before, after):
        return None, f"{', '.join(gone)} counted from 0 again meanwhile (a reload, a restart, out of reach)"
    known = {request.number for request in events.requests if not request.cached}
    answered = {request.number for request in events.requests if request.status and not request.cached}
    logged, again, counted = set(edges["numbers"]), edges["tried_again"], _delta(before, after)["requests"]
    lost = answered - logged
    # What was under way when the load ended: the client broke it off, the edge went on.
    unfinished = logged - known
    strange = [number for number in unfinished if number < max(known, default=0) - UNFINISHED_OF_LAST]
    # Of two attempts the first may never have reached its load balancer, so it need not have been counted.
    others = counted - edges["requests"]
    said = (f"client {len(answered)} answered by load balancers, {len(events.requests) - len(known)} from the edges' "
            f"caches, {len(unfinished)} under way at the end; edges {edges['requests']}, {again} tried twice; load "
            f"balancers {counted}, of which {others} second attempts, WebSockets' and other visitors'")
    return not lost and not strange and others >= 0, said


def words(told: Mapping[str, Any]) -> list[str]:
    """The receipt in sentences."""
    feeds, retries = told["websockets"], told["retried_at_the_edge"]
    lines = [f"receipt: sent {told['sent']}, dropped {told['dropped']}, wrong {told['wrong']}; "
             f"{told['new_connections']} new connections, {told['by_kind'].get('write', 0)} POSTs"]
    if feeds["opened"]:
        lines.append(f"receipt: {feeds['opened']} WebSockets opened, {feeds['told_to_reconnect']} told to reconnect, "
                     f"{feeds['cut']} cut")
    lines.append("receipt: retried at the edge: " + ", ".join(
        f"{name.replace('_', ' ')} {'not known' if count is None else count}" for name, count in retries.items()))
    lines += [f"receipt: {what} {told[key]} ms until the last request to the former colour"
              for what, key in (("switch", "switch_ms"), ("rollback", "rollback_ms")) if told[key] is not None]
    lines.append("receipt: " + ", ".join(f"p99 {phase} {figures['p99']:g} ms"
                                         for phase, figures in told["latency_ms"].items()))
    agree = {True: "counts agree", False: "COUNTS DISAGREE", None: "counts can't be compared"}[told["reconciled"]]
    return [*lines, f"receipt: {agree}: {told['reconciliation']}"]


def markdown(told: Mapping[str, Any]) -> str:
    """The same as a page."""
    release = told["release"]
    rows = [("sent", told["sent"]), ("answered", told["answered"]), ("dropped", told["dropped"]),
            ("wrong", told["wrong"]), ("new connections", told["new_connections"]),
            *((f"retried {key.replace('_', ' ')}", "not known" if value is None else value)
              for key, value in told["retried_at_the_edge"].items()),
            *((f"WebSockets {key.replace('_', ' ')}", value) for key, value in told["websockets"].items()),
            ("switch, ms", told["switch_ms"]), ("rollback, ms", told["rollback_ms"])]
    lines = [f"# Release {release['serial']} of {release['image']}", "",
             f"Stack {release['stack']}, {release['strategy']}: {release['old_colour']} ({release['old_image']}) -> "
             f"{release['colour']}: {release['state']}{': ' + release['why'] if release['why'] else ''}.", "",
             "| what | count |", "|---|---:|",
             *(f"| {name} | {'' if value is None else value} |" for name, value in rows),
             "", "| phase | requests | p50 ms | p99 ms |", "|---|---:|---:|---:|",
             *(f"| {phase} | {one['requests']} | {one['p50']:g} | {one['p99']:g} |"
               for phase, one in told["latency_ms"].items()),
             "", f"Reconciled: {told['reconciled']}: {told['reconciliation']}.", ""]
    if told["switches"]:
        lines += ["| switch | colour | percent | confirmed ms | last to the former ms | first on the new ms |",
                  "|---|---|---:|---:|---:|---:|"]
        lines += [f"| {one.get('what')} | {one.get('colour')} | {one.get('percent')} | {one['acknowledged_ms']:g} | "
                  f"{_cell(one.get('last_old_ms'))} | {_cell(one.get('first_on_new_ms'))} |"
                  for one in told["switches"]]
    lines += ["", *(f"- {failure}" for failure in told["failures"])] if told["failures"] else []
    return "\n".join(lines).rstrip() + "\n"


def write(folder: Path, told: Mapping[str, Any]) -> None:
    """``receipt.json`` and ``receipt.md``."""
    (folder / "receipt.json").write_text(json.dumps(told, indent=1) + "\n")
    (folder / "receipt.md").write_text(markdown(told))


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _delta(before: Mapping[str, Any], after: Mapping[str, Any]) -> Counter[str]:
    """What all load balancers counted in between: requests at their frontends, retries towards workers."""
    found: Counter[str] = Counter({"requests": 0, "retries": 0, "redispatches": 0})
    for name, counters in after.get("frontend", {}).items():
        found["requests"] += counters["requests"] - before.get("frontend", {}).get(name, {}).get("requests", 0)
    for name, colours in after.get("colours", {}).items():
        for colour, counters in colours.items():
            known = before.get("colours", {}).get(name, {}).get(colour, {})
            for key in ("retries", "redispatches"):
                found[key] += counters[key] - known.get(key, 0)
    return found


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    from ansible_collections.evenkeel.platform.plugins.module_utils.balancing import restarted

    return restarted(before["processes"], after["processes"])
