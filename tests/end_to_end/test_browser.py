"""A person at a browser: signs in, writes a flow, starts it, watches it end, reads its log; and what goes wrong."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from kestra_ee.launcher.islands import build_islands
from tests.support.product import EMAIL, PASSWORD, Server, started

pytestmark = [pytest.mark.browser, pytest.mark.process, pytest.mark.timeout(240)]
PATIENCE = 30_000
FLOW = """\
id: greeting
namespace: company.team
inputs:
  - {id: name, type: STRING}
tasks:
  - {id: greet, type: io.kestra.plugin.core.log.Log, message: "Hello {{ inputs.name }}"}
  - {id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT2S}
  - {id: bye, type: io.kestra.plugin.core.log.Log, message: "Goodbye"}
"""


def find_chromium() -> str:
    """CHROMIUM of the environment, else one on the path; skips the test when there is none."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("no Chromium found: install it (apt-get install chromium) or set CHROMIUM to its executable")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless; without its sandbox where the tests run as root."""
    executable = find_chromium()
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def product(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The whole product, in a folder of its own; started only when there is a browser to look at it."""
    build_islands()
    with started(tmp_path_factory.mktemp("browser")) as server:
        yield server


@pytest.fixture
def page(browser: Browser, product: Server) -> Iterator[Page]:
    """Signed in. The test fails when the page's scripts fail or the server errs."""
    context = browser.new_context(base_url=str(product.client.base_url), viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE)
    shown, wrong = context.new_page(), []
    shown.on("pageerror", lambda error: wrong.append(f"script: {error}"))
    shown.on("response", lambda answer: wrong.append(f"{answer.status} {answer.url}") if answer.status >= 500 else None)
    shown.goto("/")
    expect(shown).to_have_url(re.compile("/ui/login"))
    shown.get_by_label("E-mail").fill(EMAIL)
    shown.get_by_label("Password", exact=True).fill(PASSWORD)
    shown.get_by_role("button", name="Sign in").click()
    shown.wait_for_url("**/ui/main/")
    yield shown
    context.close()
    assert wrong == []


def test_write_a_flow_start_it_and_watch_it_end(page: Page) -> None:
    page.get_by_role("link", name="Create flow").first.click()
    source = page.locator(".cm-content")
    source.fill(FLOW.replace("message:", "mesage:", 1))
    problem = page.locator("#problems button").filter(has_text="mesage").first
    expect(problem).to_be_visible()
    expect(page.locator(".cm-line").nth(5).locator(".cm-lintRange-error").filter(has_text="mesage")).to_be_visible()
    problem.click()
    expect(page.locator(".cm-activeLine")).to_contain_text("mesage")
    page.reload()
    page.get_by_role("button", name="Continue with it").click()
    expect(source).to_contain_text("mesage")
    source.fill(FLOW)
    expect(page.locator("#problems")).to_contain_text("No problems")
    expect(page.locator("[data-graph] .node")).to_have_count(3)
    page.keyboard.press("Control+End")
    page.keyboard.type("tri")
    expect(page.locator(".cm-tooltip-autocomplete li").first).to_contain_text("triggers", timeout=PATIENCE)
    page.keyboard.press("Escape")
    for _ in "tri":
        page.keyboard.press("Backspace")
    page.keyboard.press("Control+s")
    page.wait_for_url("**/flows/edit/company.team/greeting/edit")
    expect(page.locator("#toasts")).to_contain_text("Flow greeting created")

    page.get_by_role("link", name="Execute").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Execute").click()
    expect(dialog).to_contain_text("missing required input")
    dialog.get_by_label("name").fill("Ada")
    dialog.get_by_text("Labels and start time").click()
    dialog.get_by_label("Labels").fill("nonsense")
    dialog.get_by_role("button", name="Execute").click()
    expect(dialog).to_contain_text("A label looks like key:value")
    expect(dialog.get_by_label("name")).to_have_value("Ada")
    dialog.get_by_label("Labels").fill("team:orders")
    dialog.get_by_role("button", name="Execute").click()
    page.wait_for_url("**/executions/company.team/greeting/*")

    # what follows comes without a reload
    page.evaluate("window.notReloaded = true")
    expect(page.locator("#head")).to_have_attribute("data-state", "SUCCESS")
    expect(page).to_have_title(re.compile("^✓ greeting"))
    expect(page.get_by_role("link", name="Execute again")).to_be_visible()
    assert page.evaluate("window.notReloaded") is True

    page.get_by_role("navigation", name="Views").get_by_role("link", name="Logs", exact=True).click()
    expect(page.locator("#log")).to_contain_text("Hello Ada")
    expect(page.locator("#log")).to_contain_text("Goodbye")
    page.get_by_role("link", name="Gantt").click()
    expect(page.locator(".gantt-row")).to_have_count(3)


def test_log_lines_and_bars_arrive_while_it_runs_and_kill_ends_it(page: Page, product: Server) -> None:
    flow = FLOW.replace("greeting", "long").replace("PT2S", "PT10M")
    answer = product.client.post("/api/v1/main/flows", content=flow, headers={"Content-Type": "application/x-yaml"})
    answer.raise_for_status()
    page.goto("/ui/main/flows/edit/company.team/long/execute?inputs.name=Bob")
    page.get_by_role("button", name="Execute").click()
    page.wait_for_url("**/executions/company.team/long/*")
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Logs", exact=True).click()
    expect(page.locator("#log")).to_contain_text("Hello Bob")
    page.get_by_role("link", name="Gantt").click()
    expect(page.locator(".gantt-row")).to_have_count(2)
    page.get_by_role("link", name="Kill").click()
    page.get_by_role("dialog").get_by_role("button", name="Kill execution").click()
    expect(page.locator("#head")).to_have_attribute("data-state", "KILLED")


FAILING = """\
id: fragile
namespace: company.team
tasks:
  - {id: begin, type: io.kestra.plugin.core.log.Log, message: "Beginning"}
  - {id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT8S}
  - {id: check, type: io.kestra.plugin.core.log.Log, message: "Checking"}
  - {id: break, type: io.kestra.plugin.core.execution.Fail, errorMessage: "The supplier sent no file"}
"""


def test_watch_it_fail_read_why_and_restart(page: Page, product: Server) -> None:
    headers = {"Content-Type": "application/x-yaml"}
    product.client.post("/api/v1/main/flows", content=FAILING, headers=headers).raise_for_status()
    started = product.client.post("/api/v1/main/executions/company.team/fragile").json()["id"]
    at = f"/ui/main/executions/company.team/fragile/{started}"
    page.goto(f"{at}/logs")
    page.evaluate("window.notReloaded = true")
    expect(page.locator("#log")).to_contain_text("Beginning")
    expect(page.locator("#log")).to_contain_text("Checking", timeout=PATIENCE)
    assert page.evaluate("window.notReloaded") is True, "lines came in the stream"

    # what failed, why, and the way to its line, on every tab
    expect(page.locator("#head")).to_have_attribute("data-state", "FAILED")
    expect(page.get_by_role("alert")).to_contain_text("The supplier sent no file")
    page.get_by_role("link", name="Jump to log").click()
    expect(page.locator("#log li.log-target")).to_contain_text("The supplier sent no file")
    page.get_by_label("Find in messages").fill("SUPPLIER")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("#log mark").first).to_have_text("supplier")

    page.goto(f"{at}/gantt")
    expect(page.locator(".gantt-row")).to_have_count(4)
    page.get_by_role("link", name="Restart", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Restart").click()
    page.wait_for_url(f"**/executions/company.team/fragile/{started}")
    page.get_by_role("link", name="Gantt").click()
    expect(page.locator(".gantt-row .badge").first).to_contain_text("2")
    expect(page.locator("#head")).to_have_attribute("data-state", "FAILED")


def test_an_open_list_follows_what_others_do(page: Page, product: Server) -> None:
    flow = FLOW.replace("greeting", "watched").replace("  - {id: name, type: STRING}\n", "").replace("inputs:\n", "")
    flow = flow.replace("Hello {{ inputs.name }}", "Hello")
    answer = product.client.post("/api/v1/main/flows", content=flow, headers={"Content-Type": "application/x-yaml"})
    answer.raise_for_status()
    page.goto("/ui/main/executions?flow=watched")
    expect(page.locator("[data-live-status]")).to_have_text("Live")
    product.client.post("/api/v1/main/executions/company.team/watched").raise_for_status()
    row = page.locator("tr[data-row-id]").first
    expect(row).to_be_visible()
    expect(row).to_have_attribute("data-state", "SUCCESS")


def test_a_filter_lands_in_the_address_and_back_restores_it(page: Page) -> None:
    page.goto("/ui/main/flows")
    box = page.locator("[data-filter]")
    box.fill("zebra namespace:company")
    box.press("Enter")
    expect(page).to_have_url(re.compile("zebra"))
    expect(page.locator("[data-chip]")).to_have_count(1)
    expect(page.locator("#results")).to_contain_text(re.compile("match", re.IGNORECASE))
    page.go_back()
    expect(page).not_to_have_url(re.compile("zebra"))
    expect(page.locator("[data-chip]")).to_have_count(0)


def test_forms_work_without_scripts(browser: Browser, product: Server) -> None:
    context = browser.new_context(base_url=str(product.client.base_url), java_script_enabled=False)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto("/ui/login?next=/ui/main/flows/new")
    page.locator("#username").fill(EMAIL)
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/ui/main/flows/new")
    page.locator("#source").fill(FLOW.replace("greeting", "plain"))
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/flows/edit/company.team/plain/edit")
    page.get_by_role("link", name="Execute").first.click()
    page.wait_for_url("**/execute")
    page.get_by_label("name").fill("Ada")
    page.get_by_role("button", name="Execute").click()
    page.wait_for_url("**/executions/company.team/plain/*")
    context.close()


def test_backfill_a_schedule_and_ask_why_it_did_not_run(page: Page, product: Server) -> None:
    source = """
id: nightly
namespace: company.team
tasks:
  - {id: say, type: io.kestra.plugin.core.log.Log, message: "{{ trigger.date }}"}
triggers:
  - {id: daily, type: io.kestra.plugin.core.trigger.Schedule, cron: "0 3 * * *"}
  - id: hook
    type: io.kestra.plugin.core.trigger.Webhook
    key: journey
    conditions: [{type: io.kestra.plugin.core.condition.Expression, expression: "{{ trigger.body.go }}"}]
"""
    headers = {"Content-Type": "application/x-yaml"}
    product.client.post("/api/v1/main/flows", content=source, headers=headers).raise_for_status()
    called = product.client.post("/api/v1/main/executions/webhook/company.team/nightly/journey", json={"go": False})
    assert called.status_code == 204
    page.get_by_role("link", name="Triggers").first.click()
    page.wait_for_url("**/admin/triggers")
    page.get_by_role("link", name="nightly").first.click()
    page.wait_for_url("**/company.team/nightly/triggers")
    page.get_by_role("link", name="hook", exact=True).click()
    expect(page.locator("#dialog")).to_contain_text("Conditions do not hold")
    expect(page.locator("#dialog")).to_contain_text("Expression does not hold, it saw false")
    page.keyboard.press("Escape")
    page.get_by_title("More for daily").click()
    page.get_by_role("link", name="Backfill…").click()
    page.get_by_label("Start (UTC)").fill("2026-01-01T00:00:00")
    page.get_by_label("End (UTC)").fill("2026-01-03T12:00:00")
    page.get_by_role("button", name="Count executions").click()
    expect(page.locator("#dialog")).to_contain_text("3 executions")
    page.get_by_role("button", name="Start backfill").click()
    expect(page.locator("#toasts")).to_contain_text("The backfill of daily has begun")
    expect(page.get_by_role("progressbar", name="Backfill of daily")).to_have_count(0, timeout=60_000)
    page.get_by_role("link", name="Executions", exact=True).last.click()
    expect(page.locator("tbody tr[data-state=SUCCESS]")).to_have_count(3, timeout=60_000)
