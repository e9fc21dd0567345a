"""What an error of a preview means, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from operations.previews.report import Failure
from operations.setup.paths import ROOT

WHERE = ("GitHub: the repository's Settings, Secrets and variables, Actions; GitLab: the project's Settings, CI/CD, "
         "Variables; at home: `export {name}=...`")
SHOWN_ALREADY = ("an unhandled error occurred: program exited", "preview failed", "update failed")
PROTECTED = re.compile(r"cannot be deleted\s+because it is protected|as it is currently marked for protection")
"""Said for resources that the table has already, as refused."""


@dataclass(frozen=True)
class _Known:
    pattern: str
    what: str
    means: str
    then: str


def _set(name: str) -> str:
    return f"Set `{name}`. {WHERE.format(name=name)}."


KNOWN = (
    _Known(r"passphrase must be set|PULUMI_CONFIG_PASSPHRASE is not set", "A passphrase is missing.",
           "The secrets in this stack's state are encrypted with a passphrase; `PULUMI_CONFIG_PASSPHRASE` has none.",
           _set("PULUMI_CONFIG_PASSPHRASE")),
    _Known(r"incorrect passphrase", "The passphrase is not this stack's.",
           "`PULUMI_CONFIG_PASSPHRASE` (or the file that `PULUMI_CONFIG_PASSPHRASE_FILE` names) does not open the "
           "secrets of this stack's state. Nothing was changed.", _set("PULUMI_CONFIG_PASSPHRASE") +
           " The right one is in `.evenkeel/passphrase` where `make up` was typed."),
    _Known(r"PULUMI_ACCESS_TOKEN must be set|invalid access token|\[401\] Unauthorized",
           "A token is missing, or it is not valid.",
           "The state is kept by Pulumi Cloud, which asks for `PULUMI_ACCESS_TOKEN`.", _set("PULUMI_ACCESS_TOKEN")),
    _Known(r"(?i)no credential|failed to retrieve credentials|could not find default credentials|AccessDenied",
           "The state can't be read: its store wants credentials.",
           "`PULUMI_BACKEND_URL` names a store that this run may not read.",
           "Give this run the store's credentials, read-only ones suffice (for S3 `AWS_ACCESS_KEY_ID` and "
           "`AWS_SECRET_ACCESS_KEY`). " + WHERE.format(name="NAME") + "."),
    _Known(r"Docker engine can't be reached|Cannot connect to the Docker daemon", "The Docker engine can't be reached.",
           "A preview asks the engine on which the stack runs what runs there.",
           "Start it (`make up` does, where it may), or run the preview on the engine's machine: "
           "`EVENKEEL_PREVIEW_RUNNER` names a runner there (docs/previews.md)."),
    _Known(r"is not on this engine\.\s", "An image of this checkout is not built.",
           "The stack would run an image that the engine does not have.", "`make images`, then run the preview again."),
    _Known(r"setting\(s\) can't be used", "The settings can't be used.",
           "The stack's file says something that no platform can be made of. An update would end here, too, before it "
           "touched anything.", "Correct the keys below; docs/settings.md explains each."),
    _Known(r"(?i)yaml: |could not (unmarshal|parse)|did not find expected|mapping values are not allowed",
           "The stack's file is no valid YAML.",
           "Nothing could be read from it, so nothing was compared.", "Correct the line below."),
    _Known(r"SyntaxError|IndentationError|TabError", "The program has a syntax error.",
           "Python can't read it, so nothing was compared; an update would end here, too.",
           "Correct the line below; `make lint` finds such errors in seconds."),
    _Known(r"Traceback \(most recent call last\)|(?:Name|Type|Import|ModuleNotFound|Attribute|Key)Error",
           "The program ended with an error.",
           "Its code is wrong or meets settings that it did not expect. What was announced until then is incomplete.",
           "Correct the place that the last lines name; `make test-unit` runs the same code without an engine."),
    _Known(r"the stack is currently locked|currently has an update in progress", "Another run holds the stack.",
           "An update of this stack is under way.", "Run the preview again when it has ended."),
)
OTHERWISE = _Known("", "Pulumi ended with an error.", "What was announced until then is incomplete.",
                   "Read the error below; `make preview STACK={stack}` shows it at home.")


def explain(error: str, stack: str) -> Failure:
    """The failure in words. ``error`` is shown as it is, without this machine's paths and what says nothing."""
    shown = tidy(error)
    known = next((one for one in KNOWN if re.search(one.pattern, error)), OTHERWISE)
    return Failure(what=known.what, means=known.means, then=known.then.format(stack=stack), error=shown)


def tidy(error: str) -> str:
    """Without paths of this machine and without Pulumi's echoes."""
    text = error.replace(f"{ROOT}/", "").replace(str(Path.home()), "~")
    lines = [line.rstrip() for line in text.splitlines()]
    return "\n".join(line for line in lines if line.strip().removeprefix("error: ") not in SHOWN_ALREADY).strip("\n")


def beyond_protection(messages: Iterable[str]) -> list[str]:
    """Errors that the table doesn't tell already: all but refusals to delete what is protected; each once."""
    return list(dict.fromkeys(text.strip() for text in messages if tidy(text) and not PROTECTED.search(text)))
