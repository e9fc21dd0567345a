"""Passwords: generated once (or fetched from a store of yours), kept as Pulumi secrets, never changed by an update.

They are protected resources: ``make down`` and ``pulumi destroy --exclude-protected`` keep them together with the
data they open (decision 8), so that a stack brought up again can read what it wrote. What changes them is a rotation
(``operations/rotation``), in steps between which two values are accepted (``components/generated/rotation.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from components.generated import rotation

SourceOf = Callable[[str], Mapping[str, Any] | None]
"""Where the value of a name comes from, as ``components/generated/stores.py`` reads it; None: it is generated."""


class Secrets:
    """The passwords of one stack, by name. Asking twice for a name gives the same password.

    ``steps`` is what a rotation asks for now: step by name. ``sources`` says where a name's value comes from, see
    ``components/settings/secrets.py``; a name that it doesn't know is generated.
    """

    def __init__(self, parent: pulumi.Resource | None = None, *, steps: Mapping[str, str] | None = None,
                 sources: SourceOf | None = None) -> None:
        self._parent = parent
        self._steps = steps or {}
        self._sources = sources
        self._passwords: dict[str, Password] = {}

    def password(self, name: str) -> pulumi.Output[str]:
        """The value in use: safe in URLs, shells and every service's config syntax."""
        return self._resource(name).value

    def accepted(self, name: str) -> pulumi.Output[dict[str, str]]:
        """Every value that servers accept, by slot: one, or two in the middle of a rotation."""
        resource = self._resource(name)
        return pulumi.Output.all(resource.value, resource.otherValue, resource.slot).apply(
            lambda known: rotation.by_slot(*known))

    def slot(self, name: str) -> pulumi.Output[str]:
        """The slot of the value in use, for logins that differ by name: ``a`` or ``b``. No secret."""
        return self._resource(name).slot.apply(lambda slot: slot or rotation.SLOTS[0])

    @property
    def phases(self) -> dict[str, pulumi.Output[str | None]]:
        """Where each password stands. No secret."""
        return {name: resource.phase for name, resource in self._passwords.items()}

    def _resource(self, name: str) -> Password:
        if name not in self._passwords:
            options = pulumi.ResourceOptions(parent=self._parent, protect=True,
                                             additional_secret_outputs=["value", "otherValue"])
            source = self._sources(name) if self._sources else None
            self._passwords[name] = Password(name, self._steps.get(name), source, options)
        return self._passwords[name]


class Password(Resource):
    """One password. ``value`` is in use, ``otherValue`` accepted beside it (empty: none is)."""

    value: pulumi.Output[str]
    otherValue: pulumi.Output[str | None]  # noqa: N815 - Pulumi's spelling of outputs
    slot: pulumi.Output[str | None]
    phase: pulumi.Output[str | None]

    def __init__(self, name: str, step: str | None, source: Mapping[str, Any] | None,
                 opts: pulumi.ResourceOptions | None = None) -> None:
        made = dict.fromkeys(("value", "otherValue", "slot", "phase"))
        super().__init__(PasswordProvider(), name, {"name": name, "step": step, "source": source, **made}, opts)


class PasswordProvider(ResourceProvider):
    """Thin on purpose: Pulumi stores a pickle of it with every resource."""

    def create(self, props: dict) -> CreateResult:
        from components.generated import passwords

        return CreateResult(id_=props["name"], outs=passwords.create(props))

    def diff(self, _id: str, olds: dict, news: dict) -> DiffResult:
        from components.generated import rotation

        return DiffResult(changes=rotation.changes(olds, news.get("step")))

    def update(self, _id: str, olds: dict, news: dict) -> UpdateResult:
        from components.generated import passwords

        return UpdateResult(outs=passwords.update(olds, news))
