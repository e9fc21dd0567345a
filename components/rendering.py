"""Templates: one Jinja2 environment for components and roles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import pulumi

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"

_environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(TEMPLATES),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def render_text(template: str, values: dict[str, Any]) -> str:
    """Render ``templates/<template>``; a missing value is an error that names it."""
    return _environment.get_template(template).render(**values)


def render(template: str, **values: Any) -> pulumi.Input[str]:
    """Like ``render_text``, but values (also nested ones) may be Pulumi outputs: then the result is one, too."""
    if not _has_output(values):
        return render_text(template, values)
    return pulumi.Output.from_input(values).apply(lambda known: render_text(template, dict(known)))


def render_string(source: str, **values: Any) -> pulumi.Input[str]:
    """Like ``render`` for a template given as text."""
    template = _environment.from_string(source)
    if not _has_output(values):
        return template.render(**values)
    return pulumi.Output.from_input(values).apply(lambda known: template.render(**known))


def join(parts: Sequence[pulumi.Input[str]]) -> pulumi.Input[str]:
    """Concatenate texts, any of which may be an output."""
    if not _has_output(list(parts)):
        return "".join(str(part) for part in parts)
    return pulumi.Output.concat(*parts)


def _has_output(value: Any) -> bool:
    if isinstance(value, pulumi.Output):
        return True
    if isinstance(value, dict):
        return any(_has_output(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(_has_output(item) for item in value)
    return False
