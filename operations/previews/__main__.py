"""What a pull request's runs type: ``python -m operations.previews COMMAND`` (`make preview` makes the previews)."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from operations.previews import declared, markdown, touched
from operations.previews.hosts import github, gitlab, posting
from operations.previews.hosts.wire import HostError
from operations.previews.report import PROJECT, Failure, Report
from operations.setup.paths import ROOT

WHERE = {
    "GITHUB_TOKEN": "in the workflow: `env: {GITHUB_TOKEN: ${{ github.token }}}` under `permissions: pull-requests: "
                    "write`",
    "GITLAB_TOKEN": "in the project's Settings, CI/CD, Variables: a project access token with the scope `api`",
}
MOST = 50
"""Reports of one run."""
LARGEST = 16 * 2**20
"""Bytes of a report that are read."""


def main(arguments: Sequence[str] | None = None) -> int:
    parsed = _parser().parse_args(arguments)
    try:
        return int(COMMANDS[parsed.command](parsed))
    except (HostError, _UsageError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1


class _UsageError(Exception):
    """What is missing, and where to set it."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m operations.previews", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    stacks = commands.add_parser("stacks", help="the stacks that a change touches, as JSON")
    stacks.add_argument("--since", required=True, help="the commit that the change is based on")
    stacks.add_argument("--plain", action="store_true", help="one a line, in place of JSON")
    declare = commands.add_parser("declare", help="what this checkout declares, as JSON; needs no engine, no state")
    declare.add_argument("stack")
    compare = commands.add_parser("compare", help="the report of two declarations, as JSON")
    compare.add_argument("stack")
    compare.add_argument("before", type=Path)
    compare.add_argument("after", type=Path)
    post = commands.add_parser("post", help="post reports, each as the one comment of its stack")
    post.add_argument("reports", type=Path, nargs="*", help="files; or a folder with `*.json`")
    post.add_argument("--host", choices=("github", "gitlab"), default="github")
    post.add_argument("--repository", default=os.environ.get("GITHUB_REPOSITORY") or os.environ.get("CI_PROJECT_ID"))
    post.add_argument("--number", type=int, default=os.environ.get("CI_MERGE_REQUEST_IID"))
    post.add_argument("--branch", help="owner:name, in place of --number: whose pull request proposes --commit")
    post.add_argument("--commit", default="", help="post only while this commit is what is proposed")
    post.add_argument("--api", default=os.environ.get("GITHUB_API_URL") or os.environ.get("CI_API_V4_URL"))
    post.add_argument("--author", default=github.BOT, help="whose comments are ours, on GitHub")
    post.add_argument("--expected", type=json.loads, default=[], help="stacks, as JSON: who has no report has failed")
    post.add_argument("--artifact", default=os.environ.get("EVENKEEL_PREVIEW_ARTIFACT", ""))
    return parser


def _stacks(parsed: argparse.Namespace) -> int:
    done = subprocess.run(["git", "diff", "--name-only", "-z", f"{parsed.since}...HEAD"], cwd=ROOT, check=False,
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise _UsageError(f"git diff {parsed.since}...HEAD: {done.stderr.strip()}\nNext: check out the whole history "
                          "(`fetch-depth: 0`).")
    found = touched.stacks(filter(None, done.stdout.split("\0")), touched.known())
    print("\n".join(found) if parsed.plain else json.dumps(found))
    return 0


def _declare(parsed: argparse.Namespace) -> int:
    print(declared.dump(parsed.stack))
    return 0


def _compare(parsed: argparse.Namespace) -> int:
    report = declared.compare(parsed.stack, parsed.before.read_text(), parsed.after.read_text())
    print(report.model_dump_json(indent=1))
    return 0 if report.passed else 1


def _post(parsed: argparse.Namespace) -> int:
    token_name = "GITHUB_TOKEN" if parsed.host == "github" else "GITLAB_TOKEN"
    token = os.environ.get(token_name)
    if not token:
        raise _UsageError(f"{token_name} is not set: nothing can be posted.\nNext: set it {WHERE[token_name]}.")
    if not parsed.repository:
        raise _UsageError("--repository is missing: owner/name, or GitLab's project id.")
    # A folder that nobody made is one without reports.
    files = [file for path in parsed.reports for file in ([path] if path.is_file() else sorted(path.glob("*.json")))]
    reports = [_read(file) for file in files[:MOST]]
    found = {report.stack for report in reports}
    reports += [_missing(stack, parsed.artifact) for stack in parsed.expected if stack not in found]
    for report in reports:
        host = _host(parsed, token)
        said = posting.post(host, markdown.render(report, parsed.artifact), parsed.commit)
        print(f"stack {report.stack}: {said}")
    if not reports:
        print("no reports: nothing to post")
    return 0


def _missing(stack: str, artifact: str) -> Report:
    """For a run that ended before there was a preview."""
    return Report(project=PROJECT, stack=stack, failure=Failure(
        what="There is no preview.",
        means="Its run ended before it could begin: what it needs could not be made ready.",
        then=f"Read the last lines of the run's log{f': {artifact}' if artifact else ''}.", error=""))


def _read(file: Path) -> Report:
    """A report, which may come from somebody who is not trusted."""
    if file.stat().st_size > LARGEST:
        raise _UsageError(f"{file} has {file.stat().st_size} bytes: no report of ours is that large")
    try:
        return Report.model_validate_json(file.read_text())
    except (ValidationError, UnicodeDecodeError) as error:
        raise _UsageError(f"{file} is no report: {error}") from None


def _host(parsed: argparse.Namespace, token: str) -> posting.Host:
    number = parsed.number
    if parsed.host == "github":
        api = parsed.api or github.API
        if number is None and parsed.branch:
            number = github.number_of(parsed.repository, parsed.commit, parsed.branch, token, api=api)
        if number is not None:
            return github.GitHub(parsed.repository, int(number), token, api=api, author=parsed.author)
    elif number is not None:
        return gitlab.GitLab(parsed.repository, int(number), token, api=parsed.api or gitlab.API)
    raise _UsageError("--number is missing: which pull request?")


COMMANDS = {"stacks": _stacks, "declare": _declare, "compare": _compare, "post": _post}

if __name__ == "__main__":
    sys.exit(main())
