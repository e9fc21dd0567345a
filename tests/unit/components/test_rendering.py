"""Templates render from plain values and from outputs alike, and never with a value missing."""

from __future__ import annotations

import jinja2
import pulumi
import pytest

from components.rendering import join, render_string


def test_plain_values_give_plain_text() -> None:
    assert render_string("{{ a }}-{{ b }}", a=1, b="x") == "1-x"
    assert join(["a", "b"]) == "ab"


def test_a_missing_value_is_an_error_that_names_it() -> None:
    with pytest.raises(jinja2.UndefinedError, match="missing"):
        render_string("{{ missing }}")


def test_outputs_anywhere_in_the_values_give_an_output() -> None:
    output = pulumi.Output.from_input("x")
    assert isinstance(render_string("{{ a[0].b }}", a=[{"b": output}]), pulumi.Output)
    assert isinstance(join(["a", output]), pulumi.Output)
