"""Bad input is explained in words, before anything is touched."""

from __future__ import annotations

from typing import Any

import pytest

from components.settings import Settings, SettingsError
from components.settings.published import default_ports

WHERE = "stacks/Pulumi.test.yaml"


def load(config: dict[str, Any], stack: str = "test") -> Settings:
    return Settings.load(config, stack=stack, where=WHERE)


def refusal(config: dict[str, Any], stack: str = "test") -> str:
    with pytest.raises(SettingsError) as refused:
        load(config, stack)
    return str(refused.value)


def test_defaults_alone_are_a_platform() -> None:
    settings = load({})
    assert settings.app.pools["web"].workers >= 2
    assert settings.postgres.members == 3
    assert settings.redis.members == 6


def test_a_misspelled_key_names_the_nearest_right_one() -> None:
    text = refusal({"app": {"imgae": "x"}})
    assert "evenkeel:app.imgae: unknown key; did you mean `image`?" in text
    assert WHERE in text and "nothing was changed" in text and "docs/settings.md" in text


def test_a_misspelled_key_deep_in_a_map_is_found() -> None:
    assert "did you mean `workers`?" in refusal({"app": {"pools": {"web": {"worker": 2}}}})


def test_a_value_with_a_unit_says_which_unit_is_meant() -> None:
    assert "a plain number, in s" in refusal({"app": {"drain_s": "30s"}})


def test_every_mistake_is_listed_at_once() -> None:
    text = refusal({"app": {"port": 0, "imgae": "x"}, "target": "dokcer"})
    assert "3 setting(s)" in text and "'docker' or 'kubernetes'" in text


def test_zero_workers_are_refused() -> None:
    assert "workers" in refusal({"app": {"pools": {"web": {"workers": 0}}}})
    assert "nobody would serve" in refusal({"app": {"colours": {"blue": {"workers": 0}}}})


def test_an_even_number_of_etcd_members_is_refused() -> None:
    assert "4 is even" in refusal({"postgres": {"etcd": {"members": 4}}})


def test_a_pool_that_no_path_leads_to_is_refused() -> None:
    assert "no path leads to it" in refusal({"app": {"pools": {"web": {}, "websocket": {}}}})


def test_a_pool_of_files_is_explained_when_it_can_not_be() -> None:
    files = {"paths": ["/app"], "static": {"fallback": "/index.html"}}
    assert "not below the pool's paths" in refusal({"app": {"pools": {"web": {}, "frontend": files}}})
    worker = {"port": 0, "static": {}}
    assert "serves no files" in refusal({"app": {"pools": {"web": {}, "worker": worker}}})
    assert "begins with `/`" in refusal({"app": {"pools": {"web": {}, "frontend": {"paths": ["/a b"]}}}})


def test_traces_without_the_log_that_they_begin_in_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"traces needs edge\.nginx\.access_log"):
        load({"edge": {"nginx": {"access_log": False}}, "monitoring": {"traces": {"enabled": True}}})


def test_stack_names_must_fit_in_host_names() -> None:
    assert "stack name" in refusal({}, stack="My_Stack")


def test_ports_derive_from_the_stack_and_settings_win() -> None:
    assert load({}, "local").edge.nginx.https_port == 8443
    assert load({}, "other").edge.nginx.https_port == default_ports("other")[0]
    assert load({"edge": {"nginx": {"https_port": 9443}}}, "other").edge.nginx.https_port == 9443


@pytest.mark.parametrize("stack", ["a", "staging", "eu-west-1", "x" * 30])
def test_derived_ports_stay_below_the_ephemeral_range(stack: str) -> None:
    https, http = default_ports(stack)
    assert 20000 <= https < http < 32768
