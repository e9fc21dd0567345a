"""Releases on the real platform: shipped under load, taken back, interrupted, refused; and the receipts say 0.

In this order, since each begins where the one before ended. The figures are `make bench-release`'s.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

from operations.setup import engine_state
from operations.setup.paths import ROOT
from tests.local.test_modules import four_times, play
from tests.support.release_runs import (
    BLUE,
    GREEN,
    LOAD,
    PATIENCE_S,
    everywhere,
    played,
    receipt,
    release,
    released_and_killed,
    see_no_change,
)
from tests.support.releases import FAILS, SLOW, build, patched, split_of
from tests.support.running import SETTINGS, RunningPlatform


def test_an_image_that_does_not_exist_changes_nothing(shop: RunningPlatform, tmp_path: Path) -> None:
    before = shop.file.read_text()
    run = release(shop, tmp_path, "evenkeel-test/orders:nowhere")
    assert run.status != 0 and "is not on this engine" in run.said
    assert shop.file.read_text() == before and split_of(shop) == everywhere(BLUE)


def test_interrupted_while_it_fills_and_run_again_it_ships_under_load_and_nothing_is_dropped(
        shop: RunningPlatform, tmp_path: Path) -> None:
    good = build("good")
    released_and_killed(shop, tmp_path, good, lambda said: "app.colours.green.image" in said)
    run = release(shop, tmp_path, good)
    assert run.status == 0, run.said
    assert "the lock of an interrupted run was taken over" in run.said and "it goes on from there" in run.said
    assert split_of(shop) == everywhere(GREEN)
    told = receipt(shop, 2)
    assert (told["dropped"], told["wrong"], told["websockets"]["cut"]) == (0, 0, 0)
    assert told["sent"] > 100 and told["by_kind"]["write"] > 20 and told["new_connections"] > 20
    assert told["reconciled"] is True, told["reconciliation"]
    assert told["by_colour"]["green"] > 50 and told["switch_ms"] is not None


def test_afterwards_a_preview_shows_no_change_and_an_older_checkout_is_refused(shop: RunningPlatform) -> None:
    see_no_change(shop)
    newest = shop.file.read_text()
    shop.write_settings({**SETTINGS, "app": {**SETTINGS["app"], "load": LOAD}})
    older = shop.pulumi("preview")
    shop.file.write_text(newest)
    assert older.returncode != 0 and "this file describes release 0, and release 2" in older.stdout


def test_a_rollback_needs_no_version_and_done_again_changes_nothing(shop: RunningPlatform, tmp_path: Path) -> None:
    """The first one as it is typed: the traffic goes back before the playbook begins."""
    typed = subprocess.run(["make", "rollback", f"STACK={shop.stack}"], cwd=ROOT, check=False, capture_output=True,
                           text=True, timeout=PATIENCE_S)
    assert typed.returncode == 0, typed.stdout + typed.stderr
    assert re.search(r"(?s)release 2 of evenkeel-test/orders:good is taken back.*s  Roll back\n", typed.stdout)
    assert typed.stdout.count("is taken back") == 1 and split_of(shop) == everywhere(BLUE)
    again = played(shop, tmp_path, "rollback")
    assert again.status == 0 and "nothing was changed" in again.said
    assert receipt(shop, 2)["rollback_ms"] is not None


def test_the_splits_modules_converge_and_tell_the_truth_beforehand(shop: RunningPlatform, tmp_path: Path) -> None:
    play(shop, tmp_path, [
        *four_times(shop, "traffic_split", {"colour": "blue", "percent": 20, "observe_s": 0}),
        *four_times(shop, "traffic_split", {"colour": "green", "percent": 100, "observe_s": 0}),
        *four_times(shop, "traffic_route", {"value": "beta", "colour": "blue"}),
        *four_times(shop, "traffic_route", {"value": "beta", "state": "absent"}),
        *four_times(shop, "haproxy_server", {"member": "web-blue-1", "state": "drain"}),
        *four_times(shop, "haproxy_server", {"member": "web-blue-1", "state": "ready"}),
        *four_times(shop, "haproxy_server", {"member": "web-blue-1", "weight": 50}),
        *four_times(shop, "haproxy_server", {"member": "web-blue-1", "weight": 100})])


def test_the_split_survives_a_reload_and_a_restart_and_what_differs_is_repaired(
        shop: RunningPlatform, tmp_path: Path) -> None:
    shop.inside("haproxy-1", "/usr/local/bin/reload")
    with shop.held("haproxy-2", "a test"):
        shop.container("haproxy-2").stop()
        to_blue = {"evenkeel.platform.traffic_split": {"stack": shop.stack, "colour": "blue", "observe_s": 0}}
        said = play(shop, tmp_path, [
            {"name": "Refused", **to_blue, "register": "tried", "failed_when": "tried.msg is not defined"},
            {"name": "Show", "ansible.builtin.debug": {"msg": "{{ tried.msg }}"}}])
        assert "haproxy-2 does not run" in said and "Nothing was changed" in said
        assert split_of_one(shop, "haproxy-1") == "100"
        to_blue["evenkeel.platform.traffic_split"]["absent"] = "prepare"
        assert "its file says the same" in play(shop, tmp_path, [{"name": "Back", **to_blue}])
        shop.container("haproxy-2").start()
    deadline = time.monotonic() + 30
    while split_of_one(shop, "haproxy-2") != "0":
        assert time.monotonic() < deadline, "it reads its file when it starts"
        time.sleep(0.2)
    shop.inside("haproxy-1", "sh", "-c", "echo 'web 100' >/var/lib/evenkeel/split.map")
    del to_blue["evenkeel.platform.traffic_split"]["absent"]
    assert "HALF-SWITCHED was what an earlier run left" in play(shop, tmp_path, [{"name": "Repair", **to_blue}])
    assert split_of(shop) == everywhere(BLUE)


def split_of_one(platform: RunningPlatform, balancer: str) -> str:
    """What its process goes by; "" while it starts."""
    done = platform.container(balancer).exec_run(
        ["sh", "-c", "echo 'show map /var/lib/evenkeel/split.map' | socat - UNIX-CONNECT:/run/haproxy.sock"])
    words = done.output.decode().split()
    return str(words[2]) if done.exit_code == 0 and len(words) > 2 else ""


class Receiver(BaseHTTPRequestHandler):
    """Takes notifications."""

    told: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.told.append(json.loads(self.rfile.read(length)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        return


def test_a_canary_that_fails_is_taken_back_at_once_and_everybody_is_told(
        shop: RunningPlatform, tmp_path: Path) -> None:
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    run = release(shop, tmp_path, patched("fails", FAILS), release_strategy="canary", release_first_percent=50,
                  release_step_s=20, release_webhook=f"http://127.0.0.1:{server.server_port}/",
                  release_webhook_format="slack")
    server.shutdown()
    assert run.status != 0 and "errors" in run.said and "> 1" in run.said, run.said
    assert split_of(shop) == everywhere(BLUE)
    told = receipt(shop, 3)
    assert told["release"]["state"] == "rolled back" and told["rollback_ms"] is not None
    assert told["dropped"] == 0 and told["wrong"] > 0, told["failures"]  # its 500s were answers
    assert [set(message) for message in Receiver.told] == [{"text"}, {"text"}]
    status = subprocess.run(["python", "-m", "operations.releases", "status", f"STACK={shop.stack}"], cwd=ROOT,
                            env={**shop.environment, "PYTHONPATH": "ansible"}, text=True, capture_output=True,
                            check=False)
    assert status.returncode == 1 and "rolled back" in status.stdout, status.stdout + status.stderr


def workers(platform: RunningPlatform) -> dict[str, int]:
    """Colour -> workers that run."""
    return {colour: sum(1 for one in engine_state.containers(platform.stack)
                        if one.labels.get("evenkeel.colour") == colour and one.status == "running")
            for colour in ("blue", "green")}


def test_a_rolling_release_moves_workers_in_batches_and_leaves_none_of_the_former(
        shop: RunningPlatform, tmp_path: Path) -> None:
    run = release(shop, tmp_path, "evenkeel-test/orders:good", release_strategy="rolling", release_step_s=4)
    assert run.status == 0, run.said
    assert "green has 50 % of the requests" in run.said and "green has 100 % of the requests" in run.said
    assert split_of(shop) == everywhere(GREEN) and workers(shop) == {"blue": 0, "green": 2}
    told = receipt(shop, 4)
    assert (told["dropped"], told["wrong"], told["websockets"]["cut"]) == (0, 0, 0)
    assert "pool_workers" not in shop.file.read_text()
    see_no_change(shop)


def test_a_rolling_release_that_fails_half_way_gives_traffic_back_at_once_and_then_the_former_workers(
        shop: RunningPlatform, tmp_path: Path) -> None:
    run = release(shop, tmp_path, "evenkeel-test/orders:fails", release_strategy="rolling", release_max_surge=0,
                  release_max_unavailable=1, release_step_s=20)
    assert run.status != 0 and "errors" in run.said, run.said
    assert "green.pool_workers.web: None -> 1" in run.said, "one of two had to go first"
    # One worker of each: nobody waits for a second one with the one that fails them.
    assert 0 < run.said.index("green has 100 % of the requests") < run.said.index("green.pool_workers.web: 1 -> None")
    assert split_of(shop) == everywhere(GREEN) and workers(shop) == {"blue": 0, "green": 2}
    told = receipt(shop, 5)
    assert told["release"]["state"] == "rolled back"
    assert told["dropped"] == 0 and told["wrong"] > 0, told["failures"]
    see_no_change(shop)


def test_a_canary_that_is_slow_is_taken_back_with_value_and_threshold(shop: RunningPlatform, tmp_path: Path) -> None:
    run = release(shop, tmp_path, patched("slow", SLOW), release_strategy="canary", release_first_percent=50,
                  release_step_s=6, release_limits={"samples": 20, "p95_ms": 400.0, "times_stable": 0})
    assert run.status != 0 and "p95" in run.said and "> 400 ms" in run.said, run.said
    told = receipt(shop, 6)
    assert split_of(shop) == everywhere(GREEN) and told["dropped"] == 0, told["failures"]


def test_an_image_that_never_becomes_healthy_is_noticed_by_nobody(shop: RunningPlatform, tmp_path: Path) -> None:
    before = shop.file.read_text()
    run = release(shop, tmp_path, patched("ill", "raise SystemExit(3)\\n"))
    assert run.status != 0 and "web-blue-1" in run.said, run.said
    assert shop.file.read_text() == before and split_of(shop) == everywhere(GREEN)


def test_one_release_at_a_time(shop: RunningPlatform, tmp_path: Path) -> None:
    other = {"who": "ada", "host": "deck", "process": 7, "began": "1", "reason": "release.yml", "since": "noon"}
    shop.inside("etcd-1", "etcdctl", "put", "/evenkeel-operations/lock", json.dumps(other))
    try:
        run = release(shop, tmp_path, "evenkeel-test/orders:good")
    finally:
        shop.inside("etcd-1", "etcdctl", "del", "/evenkeel-operations/lock")
    assert run.status != 0 and "release.yml, by ada on deck" in run.said
