"""Settings of the rules that a preview judges a stack by."""

from __future__ import annotations

from enum import StrEnum

from components.settings.base import Model, knob


class Rule(StrEnum):
    """Every rule; ``operations/policies/rules.py`` has what each one looks at."""

    CLUSTERED_KEPT = "clustered-kept"
    LIMITS_SET = "limits-set"
    ONLY_EDGE_PUBLISHED = "only-edge-published"
    NO_SECRET_IN_ENVIRONMENT = "no-secret-in-environment"  # noqa: S105 - a rule's name
    IMAGES_PINNED = "images-pinned"
    ETCD_ODD = "etcd-odd"
    THREE_DOMAINS = "three-domains"
    BACKUPS_ON = "backups-on"
    DELETION_PROTECTED = "deletion-protected"


class Level(StrEnum):
    """What a finding means."""

    MANDATORY = "mandatory"
    """The preview, `make lint` and an update with the policy pack fail."""
    ADVISORY = "advisory"
    """It is said."""
    OFF = "off"


class Policies(Model):
    """Rules that a stack must obey; docs/previews.md lists them with their levels."""

    production: bool = knob(False, "Whether users depend on this stack: rules for production hold.")
    levels: dict[Rule, Level] = knob(
        dict, "Rule -> mandatory, advisory or off, where a rule's own level doesn't fit: `three-domains: off`.")
