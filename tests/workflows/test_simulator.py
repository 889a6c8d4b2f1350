"""The simulator, and the examples of its page."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.common.errors import Invalid
from apps.workflows.plugin_api.state import State
from apps.workflows.simulator import Call, Mock, NotMocked, Simulation, simulate

PAGE = Path(__file__).parents[2] / "docs/use/test-flows.md"
HEAD = "id: tested\nnamespace: company.team\n"
SCRIPT = "io.kestra.plugin.scripts.shell.Commands"


def test_the_example_of_the_page() -> None:
    """Every Python block of the page, one after another, as a reader would run it."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    held: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), held)
    tests = [value for name, value in held.items() if name.startswith("test_") and callable(value)]
    assert len(tests) >= 3
    for test in tests:
        test()


def test_sleep_and_retry_pass_in_no_time() -> None:
    ran = simulate(
        HEAD
        + f"""
tasks:
  - {{id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT10H}}
  - id: flaky
    type: {SCRIPT}
    commands: [x]
    retry: {{type: constant, interval: PT1H, maxAttempt: 5}}
""",
        mocks={"flaky": [Mock(state=State.FAILED), Mock(state=State.FAILED), {"exitCode": 0}]},
    )
    assert (ran.state, ran.duration) == ("SUCCESS", timedelta(hours=12))
    assert len(ran.task("flaky").attempts) == 3


def test_loops_branches_errors_and_outputs() -> None:
    def fetched(call: Call) -> Mock | dict[str, object]:
        return Mock(state=State.FAILED) if call.value == "c" else {"rows": call.render("{{ inputs.n }}") + call.value}

    source = (
        HEAD
        + f"""
inputs: [{{id: n, type: INT, defaults: 7}}]
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: {{{{VALUES}}}}
    concurrencyLimit: 0
    tasks: [{{id: fetch, type: {SCRIPT}, commands: [x]}}]
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "{{{{ outputs.fetch['b'].rows }}}} {{{{ outputs.fetch }}}}"
errors:
  - {{id: sorry, type: io.kestra.plugin.core.log.Log, message: sorry}}
outputs: [{{id: last, type: STRING, value: "{{{{ outputs.fetch.b.rows }}}}"}}]
"""
    )
    good = simulate(source.replace("{{VALUES}}", "[a, b]"), mocks={"fetch": fetched})
    assert (good.state, good.outputs) == ("SUCCESS", {"last": "7b"})
    assert good.logs("say")[0].startswith("7b ") and '"7a"' in good.logs("say")[0]
    assert good.task("fetch", "a").outputs == {"rows": "7a"}
    bad = simulate(source.replace("{{VALUES}}", "[a, b, c]"), mocks={"fetch": fetched})
    assert bad.state == "FAILED"
    assert bad.logs("sorry") == ["sorry"]
    assert ("say", "SUCCESS") not in bad.states


def test_pause_resume_and_kill() -> None:
    source = (
        HEAD
        + """
tasks:
  - {id: ask, type: io.kestra.plugin.core.flow.Pause, onResume: [{id: reason, type: STRING}]}
  - {id: say, type: io.kestra.plugin.core.log.Log, message: "{{ outputs.ask.onResume.reason }}"}
"""
    )
    ran = simulate(source)
    assert ran.state == "PAUSED"
    ran.resume({"reason": "fine"})
    assert (ran.state, ran.logs("say")) == ("SUCCESS", ["fine"])
    killed = simulate(source).kill()
    assert (killed.state, killed.states) == ("KILLED", [("ask", "KILLED")])


def test_units_subflows_timeouts_and_groups() -> None:
    source = (
        HEAD
        + f"""
tasks:
  - id: dir
    type: io.kestra.plugin.core.flow.WorkingDirectory
    tasks:
      - {{id: one, type: {SCRIPT}, commands: [x], retry: {{type: constant, interval: PT1M, maxAttempt: 2}}}}
      - {{id: two, type: io.kestra.plugin.core.log.Log, message: "{{{{ outputs.one.n }}}}"}}
  - {{id: sub, type: io.kestra.plugin.core.flow.Subflow, namespace: company.team, flowId: other, wait: true}}
  - {{id: slow, type: {SCRIPT}, commands: [x], timeout: PT5M, allowFailure: true}}
  - {{id: group, type: {SCRIPT}, commands: [x], workerGroup: {{key: gpu, fallback: FAIL}}}}
"""
    )
    mocks = {
        "one": [Mock(state=State.FAILED), {"n": 1}],
        "sub": {"answer": 42},
        "slow": Mock(takes=timedelta(hours=1)),
        "group": {"ok": True},
    }
    ran = simulate(source, mocks=mocks)
    assert ran.logs("two") == ["1"]
    assert ran.task("sub").outputs["outputs"] == {"answer": 42}
    assert ran.task("slow").state == "WARNING"
    assert ran.duration == timedelta(minutes=6)
    assert ran.state == "WARNING"
    assert simulate(source, mocks=mocks, absent_groups={"gpu"}).task("group").state == "FAILED"


def test_slas_break_by_the_fake_clock() -> None:
    source = (
        HEAD
        + """
sla: [{id: fast, type: MAX_DURATION, duration: PT1H, behavior: FAIL, labels: {sla: missed}}]
tasks: [{id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT2H}]
"""
    )
    ran = simulate(source)
    assert (ran.state, ran.labels, ran.duration) == ("FAILED", {"sla": "missed"}, timedelta(hours=1))


def test_secrets_pairs_files_and_inputs() -> None:
    source = (
        HEAD
        + """
inputs: [{id: key, type: SECRET}, {id: n, type: INT}]
tasks:
  - {id: make, type: io.kestra.plugin.scripts.shell.Commands, commands: [x]}
  - id: say
    type: io.kestra.plugin.core.debug.Return
    format: "{{ inputs.key }} {{ secret('S') }} {{ kv('K') }} {{ read('a.txt') }} {{ read(outputs.make.uri) }}"
"""
    )
    given: dict[str, Any] = {"secrets": {"S": "s"}, "kv": {"K": 3}, "files": {"a.txt": "text", "b.txt": "made"}}
    given["mocks"] = {"make": lambda call: {"uri": call.file("b.txt")}}
    ran = simulate(source, inputs={"key": "k", "n": 1}, **given)
    assert ran.task("say").outputs == {"value": "k s 3 text made"}
    assert ran.task("make").outputs["uri"].startswith(f"kestra:///company/team/tested/executions/{ran.execution_id}/")
    with pytest.raises(Invalid):
        simulate(source, inputs={"key": "k", "n": "many"}, **given)


def test_what_is_not_mocked_is_told() -> None:
    source = HEAD + f"tasks: [{{id: work, type: {SCRIPT}, commands: [x]}}]"
    with pytest.raises(NotMocked, match=r"`work` .* give it a mock"):
        simulate(source)
    with pytest.raises(LookupError, match="no task `wrok`"):
        Simulation(source, mocks={"wrok": {}})
    with pytest.raises(NotMocked, match="uses `kv`"):
        simulate(HEAD + "tasks: [{id: k, type: io.kestra.plugin.core.kv.Set, key: a, value: b}]")
