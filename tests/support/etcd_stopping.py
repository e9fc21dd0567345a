"""Runs inside a member of Postgres: our Patroni's etcd client refreshes a lease at a member that is being stopped.

Two speak enough of etcd's JSON gateway. The one asked first answers as etcd did when it stopped in the middle of
the question; the other one as if nothing had happened. Prints the seconds that the lease then has, as the client says.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader

from patroni.dcs.etcd import DnsCachingResolver
from patroni.dcs.etcd3 import Etcd3Client
from patroni.utils import Retry

STOPPING = {"code": 2, "message": "OK: HTTP status code 200; transport: missing content-type field"}


class Gateway(BaseHTTPRequestHandler):
    """The first member is stopping."""

    def do_GET(self) -> None:
        self.answer({"etcdserver": "3.5.0", "etcdcluster": "3.5.0"})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("member/list"):
            self.answer({"members": [{"clientURLs": [url]} for url in urls]})
        elif self.server is members[0]:
            self.answer(STOPPING, 500)
        else:
            self.answer({"result": {"TTL": "20"}})

    def answer(self, content: object, status: int = 200) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_: object) -> None:
        pass


members = [ThreadingHTTPServer(("127.0.0.1", 0), Gateway) for _ in range(2)]
urls = [f"http://127.0.0.1:{member.server_address[1]}" for member in members]
for member in members:
    threading.Thread(target=member.serve_forever, daemon=True).start()
loader = SourceFileLoader("patroni_patched", "/usr/local/bin/patroni-patched")
loader.exec_module(module_from_spec(spec_from_loader(loader.name, loader)))  # type: ignore[arg-type]
client = Etcd3Client({"hosts": [url.removeprefix("http://") for url in urls], "protocol": "http", "retry_timeout": 10},
                     DnsCachingResolver())
client._base_uri = urls[0]
retry = Retry(deadline=10, max_delay=1, max_tries=-1)
print("TTL", retry(client.lease_keepalive, "1", retry=retry))
