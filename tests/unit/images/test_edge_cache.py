"""Purge and warm-up inside an edge member: which files go, and what is said of URLs that are asked for."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from edge_cache import warm as warming
from edge_cache.purge import Pattern, purge

IMAGE = Path(__file__).resolve().parents[3] / "images" / "nginx"
NGINX_HEAD = b"\x05\x00\x00\x00" + b"\xff" * 332
"""As long as Nginx's own, on 64 bits; its content doesn't matter here."""


def keep(folder: Path, key: str, variant: str = "", body: bytes = b"HTTP/1.1 200 OK\r\n\r\n<html>") -> Path:
    """Lay an answer into the cache as Nginx does."""
    name = hashlib.md5(f"{key}{variant}".encode()).hexdigest()
    file = folder / name[-1] / name[-3:-1] / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(NGINX_HEAD + b"\nKEY: " + key.encode() + b"\n" + body)
    return file


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    for key in ("GET:shop.example:/", "GET:shop.example:/news", "HEAD:shop.example:/news",
                "GET:shop.example:/news?page=2", "GET:shop.example:/newsletter", "GET:other.example:/news"):
        keep(tmp_path, key)
    keep(tmp_path, "GET:shop.example:/news", variant="gzip")
    return tmp_path


@pytest.mark.parametrize(("pattern", "removed"), [
    ("/news", {"shop.example/news", "other.example/news"}),
    ("shop.example/news", {"shop.example/news"}),
    ("SHOP.example:8443/news", {"shop.example/news"}),
    ("https://shop.example:8443/news?page=2", {"shop.example/news?page=2"}),
    ("shop.example/news*", {"shop.example/news", "shop.example/news?page=2", "shop.example/newsletter"}),
    ("other.example/*", {"other.example/news"}),
    ("/", {"shop.example/"}),
    ("/nothing", set()),
])
def test_a_pattern_names_what_goes(cache: Path, pattern: str, removed: set[str]) -> None:
    assert set(purge(cache, [pattern]).removed) == removed
    assert not set(purge(cache, [pattern]).removed), "what is gone is not found again"


def test_every_method_and_variant_of_an_answer_goes(cache: Path) -> None:
    result = purge(cache, ["shop.example/news"])
    assert (result.examined, result.files, result.removed) == (7, 3, ["shop.example/news"])


def test_a_star_is_everything(cache: Path) -> None:
    assert purge(cache, ["*"]).files == 7
    assert not [file for file in cache.glob("*/*/*") if file.is_file()]


def test_a_dry_run_says_the_same_and_removes_nothing(cache: Path) -> None:
    dry = purge(cache, ["/news*"], dry_run=True)
    assert purge(cache, ["/news*"]) == dry and dry.files == 6


def test_a_long_address_is_found_and_strange_files_are_left(cache: Path) -> None:
    path = "/search?q=" + "x" * 9000
    long = keep(cache, f"GET:shop.example:{path}")
    writing = keep(cache, "GET:shop.example:/writing")
    writing = writing.rename(writing.with_name(f"{writing.name}.0000000012"))
    strange = cache / "a" / "bc" / ("d" * 32)
    strange.parent.mkdir(parents=True, exist_ok=True)
    strange.write_bytes(b"no key here")
    assert purge(cache, ["*"]).removed.count(f"shop.example{path}") == 1
    assert not long.exists() and writing.exists() and strange.exists()


def test_a_body_that_looks_like_a_key_is_none(tmp_path: Path) -> None:
    kept = keep(tmp_path, "GET:shop.example:/a", body=b"HTTP/1.1 200 OK\r\n\r\n\nKEY: GET:shop.example:/b\n")
    assert purge(tmp_path, ["/b"]).files == 0 and kept.exists()


@pytest.mark.parametrize("text", ["news", "/a*b", "*.example/x*y", "/a b", "", "https://shop.example"])
def test_what_is_no_pattern_is_refused_before_anything_goes(cache: Path, text: str) -> None:
    with pytest.raises(ValueError, match="is no /path"):
        purge(cache, ["/news", text])
    assert purge(cache, ["*"], dry_run=True).files == 7


def test_no_cache_yet_is_an_empty_one(tmp_path: Path) -> None:
    assert purge(tmp_path / "answers", ["*"]).examined == 0


def test_a_host_without_a_path_needs_a_star() -> None:
    assert Pattern.parse("https://shop.example/*") == Pattern("shop.example", "/", True)


def test_the_command_says_what_it_did_or_why_not() -> None:
    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "edge_cache", *arguments], check=False, cwd=IMAGE,
                              capture_output=True, text=True)

    done = command("purge", json.dumps({"patterns": ["/nothing"], "dry_run": True}))
    assert (done.returncode, json.loads(done.stdout)["removed"]) == (0, [])
    assert command("purge", json.dumps({"patterns": ["nothing"]})).returncode == 2
    assert "unknown command" in command("melt", "{}").stderr


class Edge:
    """Answers as an edge would: keeps what the application lets it keep."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    def get(self, _host: str, path: str, _timeout_s: float, _port: int) -> warming._Answer:
        self.asked[path] += 1
        if path == "/limited" and self.asked[path] == 1:
            return warming._Answer(429, "", 0.01)
        if path == "/broken":
            raise ConnectionResetError("gone")
        status = 404 if path == "/missing" else 200
        known = "HIT" if self.asked[path] > 1 else "MISS"
        return warming._Answer(status, "MISS" if path == "/private" else known, 0)


def test_warming_says_what_is_kept_and_what_can_not_be(monkeypatch: pytest.MonkeyPatch) -> None:
    edge = Edge()
    monkeypatch.setattr(warming, "_get", edge.get)
    result = warming.warm("shop.example", ["/", "/private", "/missing", "/limited", "/broken"], parallel=3)
    assert (result.asked, result.kept, result.filled, result.passed) == (5, 2, 1, ["/private"])
    assert result.failed == {"/missing": "HTTP 404", "/broken": "ConnectionResetError: gone"}
    assert result.statuses == {"0": 1, "200": 3, "404": 1}
    assert edge.asked["/limited"] >= 2
