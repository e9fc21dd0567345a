"""A pull request of this checkout: a copy of it with a change, previewed by the copy's own code as CI does."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from operations.previews.report import Report
from operations.setup.paths import ROOT, VENV

TIMEOUT_S = 400


@dataclass(frozen=True)
class Previewed:
    """What `make preview` came to. ``said`` is its output, ``comment`` what would be posted."""

    code: int
    said: str
    report: Report
    comment: str
    diff: str

    @property
    def everything(self) -> str:
        """All that was shown or left as an artifact."""
        return "\n".join([self.said, self.report.model_dump_json(), self.comment, self.diff])


class PullRequest:
    """The copy in ``folder``. ``edit`` changes it; ``preview`` is what its run does."""

    def __init__(self, folder: Path, stack: str, environment: Mapping[str, str]) -> None:
        self._folder, self._stack = folder, stack
        self._environment = {**environment, "COLUMNS": "120"}
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                                check=True, capture_output=True).stdout
        subprocess.run(["xargs", "-0", "cp", "--parents", "-t", str(folder)], cwd=ROOT, input=listed, check=True)
        (folder / ".venv").symlink_to(VENV)
        file = f"stacks/Pulumi.{stack}.yaml"
        (folder / file).write_bytes((ROOT / file).read_bytes())

    @classmethod
    def of(cls, folder: Path, stack: str, environment: Mapping[str, str]) -> PullRequest:
        """A copy that is there already, for another of its stacks."""
        made = cls.__new__(cls)
        made._folder, made._stack = folder, stack
        made._environment = {**environment, "COLUMNS": "120"}
        return made

    def edit(self, path: str, old: str, new: str) -> PullRequest:
        """Replace a text that is there exactly once."""
        file = self._folder / path
        text = file.read_text()
        assert text.count(old) == 1, f"{path}: {old!r} is there {text.count(old)} times"
        file.write_text(text.replace(old, new))
        return self

    def write(self, path: str, text: str) -> PullRequest:
        (self._folder / path).write_text(text)
        return self

    def read(self, path: str) -> str:
        return (self._folder / path).read_text()

    def preview(self, form: str = "markdown", **variables: str | None) -> Previewed:
        """With environment ``variables`` set, or with None taken away."""
        environment = {**os.environ, **self._environment, **variables}
        command = ["-m", "operations.setup.cli", "preview", f"STACK={self._stack}", f"FORMAT={form}"]
        done = subprocess.run(
            [VENV / "bin" / "python", *command],
            cwd=self._folder, env={name: value for name, value in environment.items() if value is not None},
            check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_S)
        made = self._folder / "build" / "previews"
        assert (made / f"{self._stack}.json").exists(), done.stdout
        report = Report.model_validate_json((made / f"{self._stack}.json").read_text())
        return Previewed(done.returncode, done.stdout, report, (made / f"{self._stack}.md").read_text(),
                         (made / f"{self._stack}.diff").read_text())


def as_example(comment: str, stack: str) -> str:
    """With what differs between machines and versions of images written as in the documentation."""
    text = comment.replace(stack, "shop")
    text = re.sub(r"(evenkeel/[a-z]+):[0-9a-f]{12}\b", r"\1:0123456789ab", text)
    text = re.sub(r'(File "[^"]+", line )\d+', r"\g<1>10", text)
    return re.sub(r"\d+ same", "98 same", text)
