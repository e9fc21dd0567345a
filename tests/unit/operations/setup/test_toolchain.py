"""What our own Pulumi's home is kept free of."""

from __future__ import annotations

from pathlib import Path

from operations.setup import toolchain


def test_pulumi_finds_no_folder_to_log_into(tmp_path: Path) -> None:
    log = tmp_path / "logs"
    log.mkdir()
    (log / "pulumi-20261127T120000-1.log").write_text("what nobody reads")
    for _ in range(2):
        toolchain._keep_no_log(tmp_path)
        assert log.is_file() and "pulumi -v=9 --logtostderr" in log.read_text()
