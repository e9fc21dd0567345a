"""The way back: where the traffic of the last release came from, and sending it there at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import (
    balancing,
    haproxy,
    lock_store,
    proof,
    release,
    release_store,
    rolling,
    running,
    split,
    switching,
)
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams

AT_ONCE: Mapping[str, Any] = {"pools": [], "serial": None, "absent": "prepare", "health_timeout_s": 5.0,
           "least_workers": 1, "observe_s": 0.3}
"""How ``traffic_split`` is asked on the way back: a worker or a load balancer that is down must not hold it up."""


def back(streams: DockerStreams, asked: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Look, decide, tell; go back at once where that is asked for and can be. ``asked`` is what the module
    ``release_back`` takes. Raises ``RefusedError``."""
    # Opened while others are asked: on the way back every tenth of a second counts.
    opening = balancing.Balancers(streams).opened()
    said = lock_store.take_first(streams, asked, check_mode)
    last = release_store.Releases(streams).current()
    if last is None:
        raise running.RefusedError(f"the stack {streams.stack} has had no release: there is nothing to go back to "
                                   "or to do without. Nothing was changed")
    members = streams.members()
    with opening as (opened, out_of_reach):
        shares = {seen.running.get("web", "0") for seen in split.look(opened, split.SPLIT).values()}
        found = rollback(last, shares, asked["force"]) if asked["purpose"] == "rollback" else retire(last, shares)
        side = [member for member in members if member.labels.get("evenkeel.colour") == found["colour"]]
        there = [member.name for member in side]
        if asked["purpose"] == "retire" and not there:
            found |= {"needed": False, "narration": [f"{found['colour']} has no worker: nothing to retire"]}
        # One worker that is down must not keep the traffic from going back at once; a rolling release took some
        # away.
        there_now = proof.workers(members)
        short = not side or (last.strategy == "rolling" and proof.fewer(there_now, last.capacity, found["colour"]))
        result = {"changed": False, "release": last.as_dict(), "members": there, "short": short,
                  "jobs": [member.name for member in members if "evenkeel.schedule" in member.labels], **found}
        result["narration"] = [*said, *found["narration"]]
        if not (asked["purpose"] == "rollback" and asked["switch"] and found["needed"]):
            return result
        percent = at_once(last, there_now) if short else 100
        if percent < 100 and percent <= max(haproxy.percent_of(int(share), found["colour"]) for share in shares):
            return result
        asking = {**AT_ONCE, "colour": found["colour"], "percent": percent}
        try:
            made = switching.Switch(streams, asking, check_mode).among(opened, out_of_reach)
        except running.RefusedError as error:
            if not short:
                raise
            # What can't take its share yet, on either side, must not keep the former workers from coming back.
            return {**result, "narration": [*result["narration"], f"not before the others are back: {error}"]}
        return {**result, **made, "needed": check_mode or short,
                "narration": [*result["narration"], *made["narration"]]}


def at_once(last: release.Release, there: Mapping[tuple[str, str], int]) -> int:
    """Of 100 requests, what the former colour can take before it has all of its workers again (``there``: see
    ``proof.workers``)."""
    old, new = ({pool: count for (pool, colour), count in there.items() if colour == side}
                for side in (last.old_colour, last.colour))
    return rolling.bearable(old, new, last.capacity)


def rollback(last: release.Release, shares: set[str], force: bool) -> dict[str, Any]:
    """Where the traffic of ``last`` came from."""
    if last.irreversible and not force:
        raise running.RefusedError(
            f"release {last.serial} ran a migration that can't be undone. Nothing was changed. Next: correct the image "
            f"and release it; `make rollback FORCE=true STACK={last.stack}` goes back to {last.old_image} all the same")
    needed = shares != {str(haproxy.share_of(100, last.old_colour))}
    said = (f"release {last.serial} of {last.image} is taken back: everything to {last.old_colour} "
            f"({last.old_image})" if needed else f"{last.old_colour} ({last.old_image}) has all requests already")
    return {"colour": last.old_colour, "image": last.old_image, "needed": needed, "narration": [said]}


def retire(last: release.Release, shares: set[str]) -> dict[str, Any]:
    """The colour without traffic, and the image of the other one."""
    if last.state == release.RUNNING or shares not in ({"0"}, {"100"}):
        raise running.RefusedError(f"both colours have traffic, or release {last.serial} is under way. Nothing was "
                                   f"changed. Next: finish it, or `make rollback STACK={last.stack}`")
    idle = "blue" if shares == {"100"} else "green"
    stays = last.image if last.colour != idle else last.old_image
    return {"colour": idle, "image": stays, "needed": True,
            "narration": [f"{idle} has no traffic: its workers finish and end; {stays} is what the application is"]}
