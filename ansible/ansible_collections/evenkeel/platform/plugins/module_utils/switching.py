"""The switch between colours: look, prove, change everywhere, read back, count; with what each step had to say."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import balancing, haproxy, lock, proof, running, split
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams, StreamError


class Switch:
    """One change of the split. ``asked``: what the module ``traffic_split`` documents. Raises ``RefusedError``."""

    def __init__(self, streams: DockerStreams, asked: Mapping[str, Any], check_mode: bool) -> None:
        self._streams, self._asked, self._check_mode = streams, asked, check_mode
        self._balancers = balancing.Balancers(streams)
        self._colour = asked["colour"]
        self._other = next(colour for colour in haproxy.COLOURS if colour != self._colour)

    def run(self) -> dict[str, Any]:
        with self._balancers.opened() as (opened, out_of_reach):
            return self.among(opened, out_of_reach)

    def among(self, opened: list[balancing.Opened], out_of_reach: dict[str, str]) -> dict[str, Any]:
        """The same, with load balancers that are open already."""
        if self._asked["absent"] == "refuse" or not opened:
            balancing.require_all(out_of_reach, self._streams.stack)
        seen = split.look(opened, split.SPLIT)
        kept = {one.name: one.run(f"cat {split.RELEASE} 2>/dev/null || true").strip() for one in opened}
        change = self._change(seen, kept)
        wrong = [one for one in opened if seen[one.name].wrong(change.wanted)
                 or any(kept[one.name] != text.strip() for text in change.beside.values())]
        result = self._result(seen, change, bool(wrong or out_of_reach))
        if not wrong and not out_of_reach:
            if not self._check_mode:
                result["counted"] = counted(opened)
                traffic = proof.Watch(opened, change.wanted).until(self._asked["observe_s"], self._other)
                result |= self._counted(traffic)
            result["narration"].append(f"{self._colour} has {self._asked['percent']} % of the requests on "
                                       f"{len(opened)} load balancers already")
            return result
        self._prove(opened, change)
        if self._check_mode:
            return result
        return self._switch(opened, out_of_reach, seen, change, result)

    def _change(self, seen: dict[str, split.Seen], kept: dict[str, str]) -> split.Change:
        any_one = next(iter(seen.values()))
        pools = self._asked["pools"] or list(any_one.file)
        running.require(pools, any_one.file, self._streams.stack, "pool that takes requests,")
        share = str(haproxy.share_of(self._asked["percent"], self._colour))
        wanted = {**any_one.file, **dict.fromkeys(pools, share)}
        beside = {}
        if self._asked["serial"] is not None:
            release = {"serial": self._asked["serial"], "colour": self._colour, "image": self._asked["image"]}
            beside[split.RELEASE] = json.dumps(release) + "\n"
        elif len(set(kept.values())) > 1:
            newest = max((text for text in kept.values() if text), key=lambda text: json.loads(text)["serial"])
            beside[split.RELEASE] = newest + "\n"
        return split.Change(split.SPLIT, wanted, beside)

    def _result(self, seen: dict[str, split.Seen], change: split.Change, changed: bool) -> dict[str, Any]:
        before = {name: {pool: haproxy.percent_of(int(value), self._colour) for pool, value in one.running.items()}
                  for name, one in seen.items()}
        told = []
        if len({(str(one), split.said(one.file)) for one in seen.values()}) > 1:
            told.append("HALF-SWITCHED was what an earlier run left: "
                        f"{'; '.join(f'{name}: {one}' for name, one in seen.items())}; it is repaired now")
        return {"changed": changed, "before": before, "narration": told, "diff": {
            "before": "".join(f"{name}: {one}\n" for name, one in seen.items()),
            "after": "".join(f"{name}: {split.said(change.wanted)}\n" for name in seen)}}

    def _prove(self, opened: list[balancing.Opened], change: split.Change) -> None:
        """Every colour that shall get requests can be sent them by everybody."""
        shares = {int(value) for value in change.wanted.values()}
        colours = [colour for colour, idle in (("blue", shares == {100}), ("green", shares == {0})) if not idle]

        def look(least: int = 0) -> str:
            expected = proof.workers(self._streams.members())
            return "; ".join(proof.missing(balancing.states(opened), expected, change.wanted, colours, least))

        try:
            running.wait_for(look, 0 if self._check_mode else self._asked["health_timeout_s"],
                             f"{' and '.join(colours)} can't take the requests", poll_s=0.2)
        except running.RefusedError as error:
            if not self._asked["least_workers"] or look(self._asked["least_workers"]):
                raise running.RefusedError(f"{error}. The split is as it was.") from None

    def _switch(self, opened: list[balancing.Opened], out_of_reach: dict[str, str], seen: dict[str, split.Seen],
                change: split.Change, result: dict[str, Any]) -> dict[str, Any]:
        split.prepare(opened, change)
        result["counted"] = counted(opened)
        watch = proof.Watch(opened, change.wanted)
        done = split.commit(opened, change, seen, watch.questions)
        acknowledged_ms = max(done.acknowledged_ms.values(), default=0.0)
        emptied = self._other if self._asked["percent"] == 100 else self._colour
        try:
            traffic = watch.until(self._asked["observe_s"], emptied, done)
        except StreamError:
            traffic = proof.Traffic()  # a balancer ended meanwhile: what is read back next decides
        told = result["narration"]
        told += split.confirm(self._balancers, change, [one.name for one in opened])
        result |= {"switch": {"typed": lock.typed(), "began": done.began, "colour": self._colour,
                              "percent": self._asked["percent"], "acknowledged_ms": round(acknowledged_ms, 2),
                              "last_old_ms": traffic.last_old_ms and round(traffic.last_old_ms, 2)},
                   **self._counted(traffic)}
        actual = result["actual_percent"]
        told.append(f"{self._colour} has {self._asked['percent']} % of the requests on {len(opened)} load balancers, "
                    f"confirmed after {acknowledged_ms:.1f} ms; sent since then: "
                    + ("nothing" if actual is None else
                       f"{actual:.1f} % of {sum(traffic.requests.values())}"))
        self._leave_word(out_of_reach, change, told)
        return result

    def _leave_word(self, out_of_reach: dict[str, str], change: split.Change, told: list[str]) -> None:
        """For balancers that were out of reach: a stopped one reads its file when it starts."""
        stuck = []
        stopped = {member.name for member in self._balancers.members if member.stopped}
        for name, why in out_of_reach.items():
            if name not in stopped:
                stuck.append(why)
                continue
            try:
                self._balancers.place_in_stopped(name, change.files)
                told.append(f"{why}: its file says the same, for when it starts")
            except StreamError as error:
                stuck.append(str(error))
        if stuck:
            raise running.RefusedError(
                f"{' '.join(told)}\nHALF-SWITCHED: {'; '.join(stuck)}, and goes by the former split when it goes on. "
                "Next: restart it, then run the same command again, which repairs what differs")

    def _counted(self, traffic: proof.Traffic) -> dict[str, Any]:
        percent = traffic.actual_percent(self._colour)
        return {"actual": dict(traffic.requests), "actual_percent": None if percent is None else round(percent, 1)}


def counted(opened: Sequence[balancing.Opened]) -> dict[str, Any]:
    """What every balancer did of each colour until now, for who goes on counting from here."""
    return {"at": time.time(), "balancers": {
        name: {colour: asdict(counters) for colour, counters in haproxy.by_colour(found).items()}
        for name, found in balancing.counters(opened).items()}}
