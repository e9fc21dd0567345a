"""Two plans compared: what an update would do, to whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from components.targets.docker.inputs import IN_PLACE, WORDS
from components.workload import Effect as FileEffect
from operations.changes import parameters
from operations.changes.plan import Plan, PlannedMember
from operations.changes.words import Effect, Kind

LIMIT_WORDS = {"memory": "memory", "memory_swap": "memory", "cpus": "CPU", "cpu_shares": "CPU weight"}
PUT_BACK = "Put the number of members back."
UPGRADE = "`upgrade.yml` does it, one at a time, in the right order"


@dataclass(frozen=True)
class _Finding:
    """One effect on one member."""

    kind: Kind
    because: tuple[str, ...] = ()
    instead: str = ""


def compare(before: Plan, after: Plan) -> list[Effect]:
    """Everything that changes, per workload; members with the same effect for the same reason together."""
    found: dict[tuple[str, _Finding], list[str]] = {}
    for name in [*after.members, *(name for name in before.members if name not in after.members)]:
        old, new = before.members.get(name), after.members.get(name)
        workload = (new or old).workload  # type: ignore[union-attr]
        for finding in _findings(old, new, before, after):
            found.setdefault((workload, finding), []).append(name)
    effects = [Effect(finding.kind, workload, tuple(sorted(names, key=_place)), finding.because, finding.instead)
               for (workload, finding), names in found.items()]
    return [*effects, *_moved_networks(before, after), *_unprotected(before, after, effects)]


def _place(member: str) -> tuple[str, int]:
    workload, _, ordinal = member.rpartition("-")
    return workload, int(ordinal) if ordinal.isdecimal() else 0


def _findings(old: PlannedMember | None, new: PlannedMember | None, before: Plan, after: Plan) -> list[_Finding]:
    if old and new:
        return _changed(old, new, after)
    if old:
        instead = _resize(old.workload, after)
        return [_Finding(Kind.REFUSED, ("fewer members",), instead) if old.clustered else _Finding(Kind.REMOVED)]
    assert new
    runs = any(member.workload == new.workload for member in before.members.values())
    fixed = runs and new.workload in after.cannot_grow
    if not fixed:
        return [_Finding(Kind.ADDED)]
    return [_Finding(Kind.REFUSED, ("more members",), _resize(new.workload, after))]


def _resize(workload: str, after: Plan) -> str:
    playbook = after.resized_by.get(workload)
    return f"`{playbook}` does it, while the platform serves" if playbook else PUT_BACK


def _changed(old: PlannedMember, new: PlannedMember, after: Plan) -> list[_Finding]:
    alone = sum(1 for member in after.members.values() if member.workload == new.workload) == 1
    container = _container(old, new)
    if container and new.scheduled:
        return [_Finding(Kind.LATER, container)]
    if container and new.clustered:
        return [_Finding(Kind.REFUSED, container, f"Next: {UPGRADE}.")]
    if container:
        return [_Finding(Kind.OUTAGE if alone else Kind.REPLACED, container)]
    return [*_limits(old, new), *_files(old, new, alone)]


def _container(old: PlannedMember, new: PlannedMember) -> tuple[str, ...]:
    """The inputs that need another container, in words."""
    return tuple(WORDS.get(key, key) for key in sorted({*old.container, *new.container} - IN_PLACE)
                 if (old.container.get(key) or None) != (new.container.get(key) or None))


def _limits(old: PlannedMember, new: PlannedMember) -> Iterable[_Finding]:
    words = {LIMIT_WORDS[key] for key in LIMIT_WORDS if old.container.get(key) != new.container.get(key)}
    if words:
        yield _Finding(Kind.LIMITS, tuple(sorted(words)))


def _files(old: PlannedMember, new: PlannedMember, alone: bool) -> Iterable[_Finding]:
    changed = [path for path, file in new.files.items()
               if path not in old.files or old.files[path].content != file.content]
    gone = [path for path in old.files if path not in new.files]
    if parameters.PATRONI_FILE in changed and parameters.PATRONI_FILE in old.files:
        before, after = (member.files[parameters.PATRONI_FILE].content for member in (old, new))
        yield from _postgres(before, after)
        if parameters.apart_from_dynamic(before) == parameters.apart_from_dynamic(after):
            changed.remove(parameters.PATRONI_FILE)
    restarting = [path for path in changed if new.files[path].effect is FileEffect.RESTART]
    reloading = [path for path in changed if new.files[path].effect is FileEffect.RELOAD] + gone
    later = [path for path in changed if new.files[path].effect is FileEffect.NONE]
    if not new.reloads:
        later, reloading = later + reloading, []
    if restarting:
        yield _Finding(Kind.OUTAGE if alone else Kind.RESTARTED, _names([*restarting, *reloading]))
    elif reloading:
        yield _Finding(Kind.RELOAD, _names(reloading))
    if later:
        yield _Finding(Kind.LATER, _names(later))


def _names(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(paths))


def _postgres(before: str, after: str) -> Iterable[_Finding]:
    names = parameters.changed(before, after)
    restart: Callable[[str], bool] = parameters.NEED_RESTART.__contains__
    if pausing := tuple(filter(restart, names)):
        yield _Finding(Kind.PAUSE, pausing)
    if others := tuple(name for name in names if not restart(name)):
        yield _Finding(Kind.PARAMETERS, others)


def _moved_networks(before: Plan, after: Plan) -> Iterable[Effect]:
    for network, subnet in after.subnets.items():
        if before.subnets.get(network, subnet) != subnet:
            yield Effect(Kind.REFUSED, "everything on the network", (), (network,),
                         "Next: `make down` (keeps data and secrets), then `make up`.")


def _unprotected(before: Plan, after: Plan, effects: list[Effect]) -> Iterable[Effect]:
    refused = {member for effect in effects if effect.kind is Kind.REFUSED for member in effect.members}
    for resource in sorted(before.protected - after.protected):
        if not any(resource.startswith(f"{member}-") for member in refused):
            yield Effect(Kind.REFUSED, resource, (), ("protected, would be deleted",),
                         "Put the setting back; or, where it may go, unprotect it with `pulumi state unprotect`.")
