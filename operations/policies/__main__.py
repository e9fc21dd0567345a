"""The rules over every committed stack file, without an engine (`make lint`): ``python -m operations.policies``."""

from __future__ import annotations

import subprocess
import sys

from pulumi import RunError

from components.settings import SettingsError
from operations.changes import declared
from operations.policies import judge, rules
from operations.policies.subject import Subject, config_of, policies_of, secrets_of
from operations.setup.paths import ROOT


def main() -> int:
    """Say every finding; 1 where a mandatory one is among them, or a stack can't be declared."""
    failed = False
    stacks = committed()
    for stack in stacks:
        try:
            found = judge.everything(subject(stack))
        except (SettingsError, RunError) as error:
            print(f"stacks/Pulumi.{stack}.yaml: {error}")
            failed = True
            continue
        for verdict in found:
            broken = judge.ITSELF_FAILED if verdict.broken else ""
            print(f"stacks/Pulumi.{stack}.yaml: {verdict.rule} ({verdict.level}): {broken}{verdict.message}")
        failed |= bool(judge.mandatory(found))
    left_out = ", ".join(definition.rule for definition in rules.ALL if definition.compares)
    print(f"rules: {len(rules.ALL)} over what {', '.join(stacks)} declare; {left_out} needs what runs: `make preview`")
    return 1 if failed else 0


def subject(stack: str) -> Subject:
    """What a stack's file declares. Raises ``SettingsError`` or ``RunError`` where nothing can be."""
    declared.own_secrets(secrets_of(stack))
    return Subject(stack, declared.plan(config_of(stack), stack), policies_of(stack))


def committed() -> list[str]:
    """Stacks whose file git knows; stacks of tests and benchmarks are nobody's."""
    listed = subprocess.run(["git", "ls-files", "stacks/Pulumi.*.yaml"], cwd=ROOT, check=True, capture_output=True,
                            text=True).stdout.split()
    return sorted(path.removeprefix("stacks/Pulumi.").removesuffix(".yaml") for path in listed)


if __name__ == "__main__":
    sys.exit(main())
