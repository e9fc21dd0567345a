"""Comments of a GitHub pull request (https://docs.github.com/rest/issues/comments, API version 2022-11-28)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from operations.previews.hosts.posting import Comment
from operations.previews.hosts.wire import HostError, Wire

API = "https://api.github.com"
PAGE = 100
"""The most that GitHub gives per page."""
BOT = "github-actions[bot]"
"""Who writes with the token that GitHub gives to a workflow."""


class GitHub:
    """The comments of one pull request, and its state."""

    def __init__(self, repository: str, number: int, token: str, *, api: str = API, author: str = BOT,
                 make: Callable[..., Wire] = Wire) -> None:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json",
                   "X-GitHub-Api-Version": "2022-11-28", "User-Agent": "evenkeel-preview"}
        self._wire = make(api, headers, "GITHUB_TOKEN")
        self._repository, self._number, self._author = repository, number, author

    def comments(self) -> list[Comment]:
        """All of ours, the oldest first."""
        path = f"/repos/{self._repository}/issues/{self._number}/comments"
        found = self._wire.pages(path, {"per_page": PAGE})
        return sorted(Comment(one["id"], one.get("body") or "") for one in found
                      if (one.get("user") or {}).get("login") == self._author)

    def create(self, body: str) -> int:
        """A new comment; its id."""
        path = f"/repos/{self._repository}/issues/{self._number}/comments"
        return int(self._wire.ask("POST", path, body={"body": body}).json()["id"])

    def edit(self, comment: int, body: str) -> None:
        """Replace the body."""
        self._wire.ask("PATCH", f"/repos/{self._repository}/issues/comments/{comment}", body={"body": body})

    def delete(self, comment: int) -> None:
        """Take it away."""
        self._wire.ask("DELETE", f"/repos/{self._repository}/issues/comments/{comment}")

    def head(self) -> str:
        """The commit that is proposed now."""
        pull: dict[str, Any] = self._wire.ask("GET", f"/repos/{self._repository}/pulls/{self._number}").json()
        return str(pull["head"]["sha"])


def number_of(repository: str, head: str, branch: str, token: str, *, api: str = API,
              make: Callable[..., Wire] = Wire) -> int:
    """The open pull request that proposes ``head`` from ``branch`` (``owner:name``). For a fork the event of the run
    does not say it, and what the run's artifact says can't be trusted. Raises ``HostError`` where there is none."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json",
               "X-GitHub-Api-Version": "2022-11-28", "User-Agent": "evenkeel-preview"}
    pulls = make(api, headers, "GITHUB_TOKEN").pages(
        f"/repos/{repository}/pulls", {"state": "open", "head": branch, "per_page": PAGE})
    found = [int(pull["number"]) for pull in pulls if pull["head"]["sha"] == head]
    if not found:
        raise HostError(f"no open pull request of {branch} proposes {head}: a newer commit has a run of its own.")
    return min(found)
