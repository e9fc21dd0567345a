"""Notes of a GitLab merge request (https://docs.gitlab.com/api/notes/, API v4)."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from operations.previews.hosts.posting import Comment
from operations.previews.hosts.wire import Wire

API = "https://gitlab.com/api/v4"
PAGE = 100


class GitLab:
    """The notes of one merge request. ``project`` is an id or a path (``group/name``)."""

    def __init__(self, project: str, number: int, token: str, *, api: str = API,
                 make: Callable[..., Wire] = Wire) -> None:
        self._wire = make(api, {"PRIVATE-TOKEN": token, "User-Agent": "evenkeel-preview"}, "GITLAB_TOKEN")
        self._path = f"/projects/{quote(project, safe='')}/merge_requests/{number}"

    def comments(self) -> list[Comment]:
        """All of ours, the oldest first."""
        me = self._wire.ask("GET", "/user").json()["id"]
        found = self._wire.pages(f"{self._path}/notes", {"per_page": PAGE, "sort": "asc", "order_by": "created_at"})
        return sorted(Comment(one["id"], one.get("body") or "") for one in found
                      if not one.get("system") and (one.get("author") or {}).get("id") == me)

    def create(self, body: str) -> int:
        """A new note; its id."""
        return int(self._wire.ask("POST", f"{self._path}/notes", body={"body": body}).json()["id"])

    def edit(self, comment: int, body: str) -> None:
        """Replace the body."""
        self._wire.ask("PUT", f"{self._path}/notes/{comment}", body={"body": body})

    def delete(self, comment: int) -> None:
        """Take it away."""
        self._wire.ask("DELETE", f"{self._path}/notes/{comment}")

    def head(self) -> str:
        """The commit that is proposed now."""
        return str(self._wire.ask("GET", self._path).json()["sha"])
