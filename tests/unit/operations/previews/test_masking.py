"""Secrets are found wherever they turn up."""

from __future__ import annotations

import base64
import json

import pytest

from operations.previews.masking import SECRET, SIGNATURE, Masker, collapsed, in_environment, in_state

PASSWORD = "pa/ss\"w+rd-of-the-database"
KEY = ("-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgabcdefghijklmnop\n"
       "qrstuvwx=\n-----END PRIVATE KEY-----\n")


def test_every_secret_of_a_state_is_collected() -> None:
    hidden = {SIGNATURE: SECRET, "plaintext": json.dumps({"a": ["one-value", {"b": "other-value"}], "c": True})}
    state = {"resources": [{"inputs": {"plain": "shown"}, "outputs": {"value": hidden}}, {"outputs": [hidden]}]}
    assert in_state(state) == {"one-value", "other-value"}


def test_a_value_that_moved_into_another_field_is_masked() -> None:
    masker = Masker([PASSWORD])
    moved = {"envs": [f"DATABASE_URL=postgres://app:{PASSWORD}@db/app"], PASSWORD: {"nested": PASSWORD}, "count": 3}
    assert masker.everything(moved) == {
        "envs": ["DATABASE_URL=postgres://app:[secret]@db/app"], "[secret]": {"nested": "[secret]"}, "count": 3}


@pytest.mark.parametrize("form", [
    PASSWORD, json.dumps({"a": PASSWORD}), "x=" + base64.b64encode(PASSWORD.encode()).decode(),
    "pa%2Fss%22w%2Brd-of-the-database",
], ids=["plain", "json", "base64", "percent"])
def test_every_way_to_write_it_is_masked(form: str) -> None:
    masked = Masker([PASSWORD]).text(form)
    assert "[secret]" in masked and "database" not in masked and form.removeprefix("x=") not in masked


def test_each_line_of_a_key_is_masked_alone() -> None:
    diff = "".join(f"+{line}\n" for line in KEY.splitlines())
    masked = Masker([KEY]).text(diff)
    assert "MIGH" not in masked and "qrstuvwx" not in masked and "BEGIN PRIVATE KEY" in masked


def test_lines_of_ordinary_secret_files_are_not_hidden_everywhere() -> None:
    assert Masker(["listen: 0.0.0.0\nrestart\n"]).text("who restarts?") == "who restarts?"


def test_the_longer_secret_goes_first() -> None:
    assert Masker(["abcd", "abcdefgh"]).text("abcdefgh abcd") == "[secret] [secret]"


def test_variables_that_hold_secrets_are_known_by_name() -> None:
    found = in_environment({"GITHUB_TOKEN": "t", "PULUMI_CONFIG_PASSPHRASE": "p", "PULUMI_CONFIG_PASSPHRASE_FILE": "/f",
                            "PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "k"})
    assert found == {"t", "p", "k"}


def test_without_secrets_nothing_changes_and_short_ones_hide_nothing() -> None:
    assert Masker([]).text("a b") == "a b" == Masker(["", "a", "b "]).text("a b")


def test_masked_lines_in_a_row_are_one_line_and_others_stay() -> None:
    diff = ("+-----BEGIN-----\n+[secret]\n+[secret]\n+[secret]\n+-----END-----\n+a: [secret]\n+b: [secret]\n"
            "-[secret]\n+[secret]\n")
    assert collapsed(diff) == (
        "+-----BEGIN-----\n+[secret]\n+-----END-----\n+a: [secret]\n+b: [secret]\n-[secret]\n+[secret]\n")
