"""The official download, against a server of our own: fetched when its checksum is right, given up quickly when not."""

from __future__ import annotations

import hashlib
import io
import socket
import tarfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from operations.setup import official, programs
from operations.setup.commands import Commands
from operations.setup.errors import SetupError


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    """A server's address and its folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "releases"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", folder
    server.shutdown()
    server.server_close()


def publish(folder: Path) -> str:
    """A release with one program, and its checksum."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("pulumi/pulumi")
        entry.size = 5
        archive.addfile(entry, io.BytesIO(b"hello"))
    name = official._archive()
    (folder / name).write_bytes(packed.getvalue())
    sum_ = hashlib.sha256(packed.getvalue()).hexdigest()
    (folder / f"pulumi-{programs.pulumi_version()}-checksums.txt").write_text(f"{'0' * 64}  other\n{sum_}  {name}\n")
    return sum_


def test_a_release_is_checked_unpacked_and_found_again(releases: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = releases
    expected = publish(folder)
    assert official.published(address) == expected
    assert official.downloaded() is None
    unpacked = official.download(expected, Commands(tmp_path / "log"), address)
    assert (unpacked / "pulumi").read_bytes() == b"hello"
    assert official.downloaded() == unpacked


def test_another_file_than_the_published_one_is_refused(releases: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = releases
    publish(folder)
    with pytest.raises(SetupError, match="not what its publisher's checksum says"):
        official.download("0" * 64, Commands(tmp_path / "log"), address)
    assert official.downloaded() is None


def test_a_portals_page_is_no_checksum(releases: tuple[str, Path]) -> None:
    address, folder = releases
    (folder / f"pulumi-{programs.pulumi_version()}-checksums.txt").write_text("<html>Please log in</html>")
    assert official.published(address) is None


def test_a_server_that_never_answers_costs_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(official, "CONNECT_TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        assert official.published(f"http://127.0.0.1:{silent.getsockname()[1]}") is None
        assert time.monotonic() - began < 3
