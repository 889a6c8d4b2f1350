"""jq cannot be interrupted, so it runs where it can be ended."""

import os
import time

import pytest

from apps.workflows.expressions.environment import render
from apps.workflows.expressions.errors import ExpressionError
from apps.workflows.expressions.filters.jq_process import JqProcess, jq_process


def test_query_that_never_ends_is_ended() -> None:
    began = time.monotonic()
    with pytest.raises(ExpressionError, match="takes too much time or memory"):
        render("{{ 1 | jq('def f: f; f') }}", {})
    assert time.monotonic() - began < 25
    assert render("{{ {'a': 3} | jq('.a') | first }}", {}) == "3", "the next query runs as if nothing had been"


def test_query_that_eats_memory_is_ended() -> None:
    with pytest.raises(ExpressionError, match=r"takes too much time or memory|Unable to run"):
        render("{{ 1 | jq('[range(1000000000)] | length') }}", {})
    assert render("{{ 1 | jq('.') | first }}", {}) == "1"


def test_forked_process_does_not_take_its_parents_answers() -> None:
    assert render("{{ 1 | jq('.') | first }}", {}) == "1"
    child = os.fork()
    if child == 0:
        good = render("{{ 2 | jq('. + 1') | first }}", {}) == "3"
        jq_process.close()
        os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert render("{{ 4 | jq('.') | first }}", {}) == "4"


def test_helper_that_was_killed_is_started_again() -> None:
    held = JqProcess()
    assert held.run(".", "1") == {"results": [1]}
    assert held._process is not None
    held._process.kill()
    held._process.wait()
    assert held.run(".", "2") == {"results": [2]}
    held.close()
