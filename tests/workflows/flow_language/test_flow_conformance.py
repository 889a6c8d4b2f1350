"""The compatibility flows: valid ones parse, invalid ones are refused with the known words.

They are read from the folder named by CONFORMANCE, else from the one beside the repository; without, they are skipped.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from apps.workflows.flow_language.source import inspect_flow

FOLDER = Path(os.environ.get("CONFORMANCE") or Path(__file__).resolve().parents[4] / "shared" / "conformance")
UNKNOWN = ("Invalid type: ", "No plugin registered for the defined type: ")

# Our answers that differ on purpose: worker groups exist here; which keys there are is known to the service that saves.
OURS = {"invalid/worker-group"}


def cases() -> list[Any]:
    if not (FOLDER / "cases.json").is_file():
        return [pytest.param(None, marks=pytest.mark.skip(reason="no conformance cases; set CONFORMANCE"))]
    listed = json.loads((FOLDER / "cases.json").read_text())["cases"]
    return [pytest.param(case, id=case["id"]) for case in listed if case["area"] in ("invalid", "accepted")]


def valid_flows() -> list[Any]:
    if not FOLDER.is_dir():
        return [pytest.param(None, marks=pytest.mark.skip(reason="no conformance flows; set CONFORMANCE"))]
    return [pytest.param(path, id=path.name) for path in sorted((FOLDER / "flows" / "valids").iterdir())]


def skip_unless_installed(messages: list[str]) -> None:
    unknown = sorted({message.removeprefix(UNKNOWN[0]) for message in messages if message.startswith(UNKNOWN[0])})
    if unknown:
        pytest.skip(f"not installed: {', '.join(unknown)}")


@pytest.mark.parametrize("path", valid_flows())
def test_valid_flows_parse(path: Path) -> None:
    report = inspect_flow(path.read_text())
    others = [str(one) for one in report.violations if not one.message.startswith(UNKNOWN)]
    assert others == []
    skip_unless_installed([one.message for one in report.violations])
    assert report.flow is not None


@pytest.mark.parametrize("case", cases())
def test_cases(case: dict[str, Any]) -> None:
    if case["id"] in OURS:
        pytest.skip("ours differs on purpose")
    check = case["validate"]
    source = (
        check["source"] if "source" in check else (FOLDER / "flows" / Path(*Path(check["flow"]).parts[-2:])).read_text()
    )
    report = inspect_flow(source)
    said = "\n".join(str(violation) for violation in report.violations)
    if check.get("ok"):
        skip_unless_installed([one.message for one in report.violations])
        assert said == ""
        return
    assert report.violations
    for texts in check["contains"]:
        missing = [text for text in texts if text not in said]
        if missing:
            skip_unless_installed([one.message for one in report.violations])
        assert missing == [], said
