"""A local server that is GitHub and GitLab as far as comments go, and takes nothing that their documentation doesn't.

https://docs.github.com/rest/issues/comments (2022-11-28), https://docs.gitlab.com/api/notes/ (v4).
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN, HEAD = "the-token", "a" * 40
BOT, BOT_ID = "github-actions[bot]", 7
GITHUB_LONGEST = 65_536
LIST_KEYS = {"github": {"per_page", "page", "since"}, "gitlab": {"per_page", "page", "sort", "order_by"}}


@dataclass
class Fault:
    """What the next request that fits gets in place of its answer. ``does``: whether it takes place all the same."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    message: str = "as you like"
    method: str = ""
    does: bool = False
    hang_s: float = 0


@dataclass
class ReviewHost:
    """Comments by id; ``wrong`` collects whatever the documentation doesn't allow."""

    url: str = ""
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    head: str = HEAD
    next_id: int = 100
    lock: threading.Lock = field(default_factory=threading.Lock)
    before_create: Any = None
    """Called before a comment is created: where two runs meet."""

    def add(self, body: str, author: str = BOT, author_id: int = BOT_ID) -> int:
        with self.lock:
            self.next_id += 1
            self.comments[self.next_id] = {
                "id": self.next_id, "body": body, "user": {"login": author}, "author": {"id": author_id},
                "system": False}
            return self.next_id

    def bodies(self) -> list[str]:
        return [one["body"] for one in self.comments.values()]


def _handler(host: ReviewHost) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *_: Any) -> None:
            pass

        def handle_any(self) -> None:
            url = urlsplit(self.path)
            query = {key: values[-1] for key, values in parse_qs(url.query).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            host.asked.append(f"{self.command} {self.path}")
            kind = "github" if url.path.startswith("/repos/") else "gitlab"
            if not self._authorised(kind):
                return self.answer(401, {"message": "Bad credentials"})
            fault = next((one for one in host.faults if one.method in ("", self.command)), None)
            if fault:
                host.faults.remove(fault)
                if fault.does:
                    self.act(kind, url.path, query, body, silent=True)
                time.sleep(fault.hang_s)
                return self.answer(fault.status or 500, {"message": fault.message}, fault.headers)
            return self.act(kind, url.path, query, body)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any  # noqa: N815 - http.server's names

        def _authorised(self, kind: str) -> bool:
            if kind == "github":
                if self.headers.get("Accept") != "application/vnd.github+json":
                    host.wrong.append("Accept")
                if self.headers.get("X-GitHub-Api-Version") != "2022-11-28":
                    host.wrong.append("X-GitHub-Api-Version")
                if not self.headers.get("User-Agent"):
                    host.wrong.append("User-Agent")
                return self.headers.get("Authorization") == f"Bearer {TOKEN}"
            return self.headers.get("PRIVATE-TOKEN") == TOKEN

        def act(self, kind: str, path: str, query: dict[str, str], body: bytes, *,  # noqa: PLR0911
                silent: bool = False) -> None:
            gives = (lambda *_: None) if silent else self.answer
            if kind == "github":
                listed, one = r"/repos/o/r/issues/5/comments", r"/repos/o/r/issues/comments/(\d+)"
                proposal, edit = "/repos/o/r/pulls/5", "PATCH"
            else:
                listed, one = r"/projects/g%2Fp/merge_requests/5/notes", r"/projects/g%2Fp/merge_requests/5/notes/(\d+)"
                proposal, edit = "/projects/g%2Fp/merge_requests/5", "PUT"
            found = re.fullmatch(one, path)
            if path == listed and self.command == "GET":
                return self.page(kind, path, query)
            if path == listed and self.command == "POST":
                return self.create(kind, body, gives)
            if found and self.command in (edit, "DELETE"):
                return self.change(kind, int(found[1]), body, gives)
            if path == "/user" and kind == "gitlab":
                return gives(200, {"id": BOT_ID})
            if path == proposal and self.command == "GET":
                return gives(200, {"head": {"sha": host.head}, "sha": host.head})
            if path == "/repos/o/r/pulls" and query.get("head") == "fork:branch" and query.get("state") == "open":
                return gives(200, [{"number": 5, "head": {"sha": host.head}}])
            return gives(404, {"message": "Not Found"})

        def page(self, kind: str, path: str, query: dict[str, str]) -> None:
            host.wrong += sorted(set(query) - LIST_KEYS[kind])
            size, number = int(query.get("per_page", 30)), int(query.get("page", 1))
            if size > 100:
                host.wrong.append("per_page")
            everything = [host.comments[key] for key in sorted(host.comments)]
            shown = everything[(number - 1) * size:number * size]
            more = len(everything) > number * size
            link = {"Link": f'<{host.url}{path}?per_page={size}&page={number + 1}>; rel="next", '
                            f'<{host.url}{path}?per_page={size}&page=9>; rel="last"'} if more else {}
            self.answer(200, shown, link)

        def text(self, body: bytes, kind: str) -> str | None:
            known = json.loads(body)
            if self.headers.get("Content-Type") != "application/json" or set(known) != {"body"}:
                host.wrong.append(f"body {sorted(known)}")
            return None if kind == "github" and len(known["body"]) > GITHUB_LONGEST else known["body"]

        def create(self, kind: str, body: bytes, gives: Any) -> None:
            text = self.text(body, kind)
            if not text:
                return gives(422, {"message": "Validation Failed: body is too long (maximum is 65536 characters)"})
            if host.before_create:
                host.before_create()
            made = host.add(text)
            return gives(201, host.comments[made])

        def change(self, kind: str, comment: int, body: bytes, gives: Any) -> None:
            if comment not in host.comments:
                return gives(404, {"message": "Not Found"})
            if self.command == "DELETE":
                del host.comments[comment]
                return gives(204, None)
            host.comments[comment]["body"] = self.text(body, kind)
            return gives(200, host.comments[comment])

        def answer(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
            body = b"" if content is None else json.dumps(content).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    return Handler


@contextmanager
def review_host() -> Iterator[ReviewHost]:
    """For the block, on a port of 127.0.0.1; at its end nothing undocumented may have been asked."""
    host = ReviewHost()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(host))
    server.daemon_threads = True
    host.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
    assert not host.wrong, host.wrong
