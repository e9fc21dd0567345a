"""One comment per project and stack, kept up to date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from operations.previews.hosts.wire import NotFoundError, UnknownOutcomeError


@dataclass(frozen=True, order=True)
class Comment:
    """One that we wrote."""

    id: int
    body: str


class Host(Protocol):
    """What a host can do with the comments of one pull request."""

    def comments(self) -> list[Comment]: ...
    def create(self, body: str) -> int: ...
    def edit(self, comment: int, body: str) -> None: ...
    def delete(self, comment: int) -> None: ...
    def head(self) -> str: ...


def post(host: Host, body: str, commit: str = "") -> str:
    """Make ``body`` the one comment with its marker (its first line), and say what was done. ``commit``: whose preview
    it is; nothing is posted when something newer is proposed by now.

    Two runs at once may both find none and both write one. Each looks again after writing: the oldest stays and gets
    the body, and every run takes the others away. Raises ``HostError``.
    """
    if commit and (now := host.head()) != commit:
        return f"not posted: {now} is proposed by now, and its own run posts"
    marker = body.partition("\n")[0]
    mine = _marked(host, marker)
    if not mine:
        done = _create(host, body)
        mine = _marked(host, marker)
        if len(mine) == 1:
            return done
    if not mine:
        return "posted, and deleted by somebody since"
    first, *others = mine
    done = _bring_up_to_date(host, first, body)
    for other in others:
        _take_away(host, other)
    return f"{done}; {len(others)} more with the same marker taken away" if others else done


def _create(host: Host, body: str) -> str:
    """Where the host didn't say whether it did, what it has now says it."""
    try:
        host.create(body)
    except UnknownOutcomeError:
        if not _marked(host, body.partition("\n")[0]):
            raise
    return "posted"


def _marked(host: Host, marker: str) -> list[Comment]:
    return [comment for comment in host.comments() if comment.body.replace("\r\n", "\n").partition("\n")[0] == marker]


def _bring_up_to_date(host: Host, comment: Comment, body: str) -> str:
    if comment.body.replace("\r\n", "\n").rstrip() == body.rstrip():
        return "unchanged"
    try:
        host.edit(comment.id, body)
    except NotFoundError:  # Deleted by hand since it was listed.
        host.create(body)
        return "posted"
    return "edited"


def _take_away(host: Host, comment: Comment) -> None:
    try:
        host.delete(comment.id)
    except NotFoundError:
        return  # The other run was quicker.
