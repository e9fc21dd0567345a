"""The full diff: per resource what changes in its inputs, files line by line, in an order that never varies."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from operations.changes.preview import CHANGED, MASKED
from operations.previews.steps import CREATE, DELETE, SAME, Step

SIGN = {CREATE: "+", DELETE: "-", "update": "~", "replace": "±"}
CONTEXT, WIDEST = 2, 1_000_000
"""Unchanged lines shown around a change; and no line is broken, or a longer name would move all breaks."""
WHOLE = "@@ -0,0"
"""How the difference from nothing begins."""
SILENT = frozenset({"turn", "bookkeeping", "convergence"})
"""What they change follows from the others: their names are enough."""
NOT_SHOWN = "changed, not shown"


def of(steps: Iterable[Step]) -> str:
    """Everything that changes, the platform's bookkeeping last. Secret files are named, never shown."""
    changed = [step for step in steps if step.op != SAME and step.what != "group"]
    return "".join(f"{line}\n" for step in sorted(changed, key=lambda one: one.what in SILENT) for line in _lines(step))


def _lines(step: Step) -> Iterator[str]:
    yield f"@@ {SIGN[step.op]} {step.op} {step.what} {step.name} ({step.type}) @@"
    if step.what in SILENT or step.op == DELETE:
        return
    for path in sorted({*_mapping(step.old.get("files")), *_mapping(step.new.get("files"))}):
        yield from _file(path, _mapping(step.old.get("files")).get(path), _mapping(step.new.get("files")).get(path))
    for path in sorted({*_mapping(step.old.get("secretFiles")), *_mapping(step.new.get("secretFiles"))}):
        yield from _secret_file(path, step)
    apart = ("files", "secretFiles")
    yield from _compared(*(_yaml({key: value for key, value in inputs.items() if key not in apart})
                           for inputs in (step.old, step.new)))


def _file(path: str, old: Any, new: Any) -> Iterator[str]:
    if old == new:
        return
    yield f"  {path}"
    yield from _compared(*(str(content).splitlines() if content is not None else [] for content in (old, new)))


def _secret_file(path: str, step: Step) -> Iterator[str]:
    old, new = (_mapping(inputs.get("secretFiles")).get(path) for inputs in (step.old, step.new))
    if old is None or new is None:
        yield f"{'+' if old is None else '-'} {path}: {MASKED}"
    elif new == CHANGED or old != new:
        yield f"! {path}: {MASKED} ({NOT_SHOWN})"


def _compared(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    lines = difflib.unified_diff(old, new, n=CONTEXT, lineterm="")
    for number, line in enumerate(lines):
        if number > 1:  # Past the names of the two sides.
            if not line.startswith("@@"):
                yield line
            elif not line.startswith(WHOLE):
                yield "  ..."


def _yaml(inputs: Mapping[str, Any]) -> list[str]:
    if not inputs:
        return []
    return yaml.safe_dump(_sorted(inputs), sort_keys=True, width=WIDEST, allow_unicode=True).splitlines()


def _sorted(value: Any) -> Any:
    """Without the marks of the provider, which say nothing."""
    if isinstance(value, Mapping):
        return {str(key): _sorted(item) for key, item in value.items() if not str(key).startswith("__")}
    return [_sorted(item) for item in value] if isinstance(value, list | tuple) else value


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def cut(diff: str, longest: int) -> tuple[str, int]:
    """At most ``longest`` characters of whole lines, and how many lines are left out."""
    if len(diff) <= longest:
        return diff, 0
    kept = diff[:longest].rpartition("\n")[0]
    return f"{kept}\n", diff.count("\n") - kept.count("\n") - 1
