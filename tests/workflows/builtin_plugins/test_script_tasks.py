"""Scripts and commands in real processes."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apps.workflows.builtin_plugins.runner.environment import PASSED_ON, user_environment
from apps.workflows.builtin_plugins.runner.line_reader import MAX_LINE_BYTES
from apps.workflows.builtin_plugins.scripts.script_task import ScriptResult
from apps.workflows.flow_language.source import InvalidFlow, parse_flow
from apps.workflows.plugin_api.errors import TaskFailed, TaskKilled, TaskTimedOut
from apps.workflows.plugin_api.registry import plugin_class
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Level
from tests.support.run_context import FakeRunContext

SCRIPTS = "io.kestra.plugin.scripts."


def run(context: FakeRunContext, name: str, **properties: Any) -> ScriptResult:
    task = plugin_class(SCRIPTS + name).model_validate({"id": "t", "type": SCRIPTS + name, **properties})
    output = task.run(context)  # type: ignore[attr-defined]
    assert isinstance(output, ScriptResult)
    return output


@pytest.fixture
def context(tmp_path: Path) -> FakeRunContext:
    return FakeRunContext(tmp_path, variables={"inputs": {"name": "Ada", "n": 3}})


def wait_until(true: Callable[[], bool], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # A zombie that its new parent has not reaped yet runs no more.
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"


def test_commands_run_in_one_shell_in_the_working_directory(context: FakeRunContext) -> None:
    commands = ["cd .", "X={{ inputs.name }}", 'echo "$X in $(pwd)"', 'echo "{{ workingDir }} $WORKING_DIR"']
    output = run(context, "shell.Commands", commands=commands)
    folder = context.working_directory()
    assert context.logs == [(Level.INFO, f"Ada in {folder}"), (Level.INFO, f"{folder} {folder}")]
    assert (output.exit_code, output.vars, output.final_state) == (0, {}, None)


def test_outputs_metrics_and_logs_of_a_script(context: FakeRunContext) -> None:
    script = """
from kestra import Kestra
import logging
Kestra.outputs({"total": {{ inputs.n }}, "name": "é"})
Kestra.outputs({"total": 4})
Kestra.counter("rows", 5, {"table": "t"})
Kestra.timer("load", 1.5)
Kestra.logger().warning("careful")
print("plain")
"""
    output = run(context, "python.Script", script=script)
    assert output.vars == {"total": 4, "name": "é"}
    assert context.metrics == [("counter", "rows", 5.0, {"table": "t"}), ("timer", "load", 1.5, {})]
    assert context.logs == [(Level.WARN, "careful"), (Level.INFO, "plain")]
    assert output.final_state is None


def test_messages_are_understood_on_stderr_too(context: FakeRunContext) -> None:
    output = run(context, "shell.Script", script="""echo '::{"outputs": {"a": [1, null]}}::' >&2""")
    assert output.vars == {"a": [1, None]}
    assert output.final_state is None
    assert context.logs == []


@pytest.mark.parametrize(
    "text",
    ['{"outputs": 1}', '{"outputs": {"a": NaN}}', "{bad}", '{"metrics": [{"name": "a", "type": "gauge", "value": 1}]}'],
)
def test_messages_that_cannot_be_understood_are_warnings(context: FakeRunContext, text: str) -> None:
    output = run(context, "shell.Commands", commands=[f"echo '::{text}::'"])
    assert output.vars == {}
    ((level, message),) = context.logs
    assert level is Level.WARN
    assert message.startswith(f"Invalid outputs '{text}'")


def test_a_line_on_stderr_is_a_warning(context: FakeRunContext) -> None:
    output = run(context, "shell.Commands", commands=["echo oh >&2"])
    assert context.logs == [(Level.WARN, "oh")]
    assert output.final_state is State.WARNING
    assert run(context, "shell.Commands", commands=["echo oh >&2"], warningOnStdErr=False).final_state is None


def test_a_failing_command_fails_the_task_and_keeps_its_outputs(context: FakeRunContext) -> None:
    commands = ["""echo '::{"outputs": {"a": 1}}::'""", "echo x > kept.txt", "(exit 3)", "echo never"]
    with pytest.raises(TaskFailed) as caught:
        run(context, "shell.Commands", commands=commands, outputFiles=["*.txt"])
    assert str(caught.value) == "Command failed with exit code 3"
    assert caught.value.outputs is not None
    assert (caught.value.outputs["exitCode"], caught.value.outputs["vars"]) == (3, {"a": 1})
    assert list(caught.value.outputs["outputFiles"]) == ["kept.txt"]
    assert context.logs == []


def test_without_fail_fast_the_next_command_runs(context: FakeRunContext) -> None:
    assert run(context, "shell.Commands", commands=["false", "echo on"], failFast=False).exit_code == 0
    assert context.logs == [(Level.INFO, "on")]


def test_a_signal_is_an_exit_code(context: FakeRunContext) -> None:
    with pytest.raises(TaskFailed, match="exit code 137"):
        run(context, "shell.Commands", commands=["kill -9 $$"])


def test_before_commands_env_and_interpreter(context: FakeRunContext) -> None:
    run(
        context,
        "shell.Commands",
        beforeCommands=["A=1"],
        env={"B": "{{ inputs.name }}"},
        interpreter=["/bin/bash", "-c"],
        commands=['echo "$A $B ${BASH_VERSION:+bash}"'],
    )
    assert context.logs == [(Level.INFO, "1 Ada bash")]


def test_another_interpreter_gets_the_text_itself(context: FakeRunContext) -> None:
    run(context, "shell.Script", interpreter=["python3", "-c"], failFast=False, script="print(6 * 7)")
    assert context.logs == [(Level.INFO, "42")]


def test_secrets_in_commands_do_not_stand_in_the_process_list(context: FakeRunContext) -> None:
    context.secrets = {"TOKEN": "very-secret-value"}
    run(
        context,
        "shell.Commands",
        commands=["T={{ secret('TOKEN') }}", "tr '\\0' ' ' < /proc/$$/cmdline", "printf %s $T | wc -c"],
    )
    assert context.messages(Level.INFO)[-1].endswith("17")
    assert not any("very-secret-value" in message for _, message in context.logs)


def test_the_files_of_commands_are_private_and_removed(context: FakeRunContext, tmp_path: Path) -> None:
    commands = ["ls -l .. | grep -c '^drwx------.*work-'", "stat -c %a ../work-*/commands.sh"]
    run(context, "shell.Commands", commands=commands)
    assert context.messages(Level.INFO) == ["1", "600"]
    assert [path.name for path in tmp_path.iterdir()] == ["work"]


def test_input_files_are_written_before(context: FakeRunContext) -> None:
    uri = context.storage.put(b"from storage", "data.csv")
    files = {
        "main.py": "print(open('in/data.csv').read())\nprint('{{ inputs.name }}')",
        "in/data.csv": uri,
        "none": None,
    }
    run(context, "python.Commands", inputFiles=files, commands=["python main.py", "ls"])
    assert context.messages(Level.INFO) == ["from storage", "Ada", "in", "main.py"]


def test_input_files_may_be_json(context: FakeRunContext) -> None:
    run(context, "shell.Commands", inputFiles='{"a.txt": "{{ inputs.name }}"}', commands=["cat a.txt"])
    assert context.logs == [(Level.INFO, "Ada")]


@pytest.mark.parametrize("name", ["../out.txt", "/etc/out.txt", "a/../../out.txt", ""])
def test_input_files_stay_in_the_working_directory(context: FakeRunContext, name: str) -> None:
    with pytest.raises(TaskFailed, match="inside the working directory"):
        run(context, "shell.Commands", inputFiles={name: "x"}, commands=["true"])


def test_addresses_in_commands_become_local_files(context: FakeRunContext) -> None:
    uri = context.storage.put(b"hello\n", "data.txt")
    context.variables = {"outputs": {"a": {"uri": uri}}}
    run(
        context,
        "shell.Commands",
        commands=["cat '{{ outputs.a.uri }}'", "case {{ outputs.a.uri }} in /*) echo local;; esac"],
    )
    assert context.messages(Level.INFO) == ["hello", "local"]


def test_an_address_that_may_not_be_read_fails(context: FakeRunContext) -> None:
    with pytest.raises(TaskFailed, match="Cannot read `kestra:///no/file`"):
        run(context, "shell.Commands", commands=["cat kestra:///no/file"])


def test_output_files_are_stored_by_pattern(context: FakeRunContext) -> None:
    commands = ["mkdir -p d/e", "echo 1 > a.csv", "echo 2 > d/b.csv", "echo 3 > d/e/c.csv", "echo 4 > a.txt"]
    output = run(context, "shell.Commands", commands=commands, outputFiles=["*.csv", "d/*.csv", "missing"])
    assert list(output.output_files) == ["a.csv", "d/b.csv"]
    with context.storage.open(output.output_files["d/b.csv"]) as file:
        assert file.read() == b"2\n"


def test_links_out_of_the_folder_are_not_stored(context: FakeRunContext, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    output = run(context, "shell.Commands", commands=[f"ln -s {tmp_path}/secret out.txt"], outputFiles=["*"])
    assert output.output_files == {}


def test_the_script_itself_is_not_an_output(context: FakeRunContext) -> None:
    output = run(context, "python.Script", script="open('made.py', 'w').close()", outputFiles=["*.py"])
    assert list(output.output_files) == ["made.py"]


def test_output_directory(context: FakeRunContext) -> None:
    output = run(context, "shell.Commands", commands=['echo x > "$OUTPUT_DIR/r.txt"'], outputDirectory=True)
    assert list(output.output_files) == ["r.txt"]


def test_the_worker_keeps_its_own_environment(context: FakeRunContext, monkeypatch: Any) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    monkeypatch.setenv("LC_TIME", "C")
    run(context, "shell.Commands", commands=["env"])
    names = {line.partition("=")[0] for line in context.messages(Level.INFO)}
    assert "DATABASE_URL" not in names
    assert {"LC_TIME", "PATH", "HOME", "WORKING_DIR"} <= names


def test_further_variables_can_be_passed_on(tmp_path: Path) -> None:
    worker = {PASSED_ON: "A, B", "A": "1", "B": "2", "C": "3"}
    passed = user_environment(worker, tmp_path, {"B": "own"})
    assert (passed["A"], passed["B"], "C" in passed) == ("1", "own", False)


def test_limits_are_set_by_the_kernel(context: FakeRunContext) -> None:
    runner = {
        "type": "io.kestra.plugin.core.runner.Process",
        "limits": {"openFiles": 50, "fileSize": "1MB", "cpuTime": "PT5S"},
    }
    run(context, "shell.Commands", taskRunner=runner, commands=["ulimit -n", "ulimit -t", "ulimit -f"])
    assert context.messages(Level.INFO)[:2] == ["50", "5"]
    assert int(context.messages(Level.INFO)[2]) in (1024, 2048)


def test_an_interpreter_that_does_not_exist(context: FakeRunContext) -> None:
    with pytest.raises(TaskFailed, match="Cannot start `no-such-program`"):
        run(context, "shell.Commands", interpreter=["no-such-program", "-c"], commands=["true"])


def test_a_line_without_end_is_cut(context: FakeRunContext) -> None:
    run(context, "python.Script", script=f"print('x' * {MAX_LINE_BYTES + 100000}); print('next')")
    first, second = context.messages(Level.INFO)
    assert len(first) < MAX_LINE_BYTES + 100
    assert first.endswith("(line cut)")
    assert second == "next"


def test_bytes_that_are_no_text_are_shown_as_such(context: FakeRunContext) -> None:
    run(context, "shell.Commands", commands=["printf 'a\\377\\000b\\r\\n'"])
    assert context.logs == [(Level.INFO, "a\ufffd\ufffdb")]


def test_what_a_command_leaves_running_is_ended(context: FakeRunContext) -> None:
    run(context, "shell.Commands", commands=["sleep 100 & echo $!"])
    wait_until(lambda: gone(int(context.messages(Level.INFO)[0])))


@pytest.mark.parametrize(("stop", "error"), [("kill", TaskKilled), ("time_out", TaskTimedOut)])
def test_a_stop_ends_the_process_and_its_children(context: FakeRunContext, stop: str, error: type[Exception]) -> None:
    caught: list[BaseException] = []

    def work() -> None:
        try:
            run(context, "shell.Commands", commands=["echo $$", "sleep 100 & echo $!", "wait"])
        except error as raised:
            caught.append(raised)

    thread = threading.Thread(target=work)
    thread.start()
    wait_until(lambda: len(context.logs) == 2)
    getattr(context.cancellation, stop)()
    thread.join(10)
    assert not thread.is_alive()
    assert len(caught) == 1
    for line in context.messages(Level.INFO):
        wait_until(lambda pid=int(line): gone(pid))  # type: ignore[misc]


def test_a_process_that_ignores_the_polite_signal_is_killed(context: FakeRunContext, monkeypatch: Any) -> None:
    monkeypatch.setattr("apps.workflows.builtin_plugins.runner.process.GRACE_SECONDS", 0.2)
    caught: list[BaseException] = []

    def work() -> None:
        try:
            run(context, "shell.Commands", commands=["trap '' TERM", "echo $$", "while :; do sleep 0.1; done"])
        except TaskKilled as raised:
            caught.append(raised)

    thread = threading.Thread(target=work)
    thread.start()
    wait_until(lambda: len(context.logs) == 1)
    context.cancellation.kill()
    thread.join(10)
    assert len(caught) == 1
    assert gone(int(context.messages(Level.INFO)[0]))


def test_a_task_that_must_stop_already_starts_nothing(context: FakeRunContext) -> None:
    context.cancellation.kill()
    with pytest.raises(TaskKilled):
        run(context, "shell.Commands", commands=["echo started"])
    assert context.logs == []


def test_an_error_of_the_log_ends_the_process(context: FakeRunContext, monkeypatch: Any) -> None:
    def broken(level: Level, message: str) -> None:
        raise RuntimeError("the log is full")

    monkeypatch.setattr(context, "log", broken)
    with pytest.raises(RuntimeError, match="the log is full"):
        run(context, "shell.Commands", commands=["echo x", "sleep 100"])


def test_signals_are_not_blocked_in_the_process(context: FakeRunContext) -> None:
    run(context, "python.Script", script="import signal; print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)")
    assert context.logs == [(Level.INFO, "True")]
    assert signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("runner: DOCKER", "`runner: DOCKER` is not available"),
        ("taskRunner: {type: io.kestra.plugin.scripts.runner.docker.Docker}", "Invalid type"),
        ("interpreter: []", "must not be empty"),
        ("commands: []", "must not be empty"),
    ],
)
def test_what_is_not_there_is_refused_when_saved(more: str, message: str) -> None:
    commands = "" if more.startswith("commands") else "commands: [ls], "
    task = f"{{id: a, type: {SCRIPTS}shell.Commands, {commands}{more}}}"
    with pytest.raises(InvalidFlow, match=message):
        parse_flow(f"id: a\nnamespace: b\ntasks: [{task}]\n")
