"""Ten journeys of people who never saw a workflow: they ask, follow, decide, and get the result. Three without scripts.

Every page they come to is looked at by axe; pictures of them are kept in the test run's folder.
"""

from __future__ import annotations

import gzip
import os
import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Frame, Page, Response, expect, sync_playwright

from tests.end_to_end.test_browser import PATIENCE, find_chromium
from tests.support.product import EMAIL, PASSWORD, Server, started

pytestmark = [pytest.mark.browser, pytest.mark.process, pytest.mark.timeout(300)]
YAML = {"Content-Type": "application/x-yaml"}
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
LONGEST = 60_000
MOST_BYTES = 35 * 1024
CORE = "io.kestra.plugin.ee.apps.core.blocks."
RUN = "io.kestra.plugin.ee.apps.execution.blocks."
REQUEST = """\
id: export
namespace: company.team
inputs:
  - {id: who.partner, type: STRING, displayName: Partner}
  - {id: what.rows, type: INT, displayName: Row limit, min: 1, max: 5000}
  - {id: what.proof, type: FILE, displayName: Agreement, required: false}
tasks:
  - {id: approve, type: io.kestra.plugin.core.flow.Pause, timeout: PT2H}
  - {id: pack, type: io.kestra.plugin.core.debug.Return, format: "packed {{ inputs.what.rows }}"}
outputs:
  - {id: result, type: STRING, displayName: Result, value: "{{ outputs.pack.value }}"}
  - {id: proof, type: FILE, displayName: Your file, value: "{{ inputs.what.proof }}"}
"""
PLAIN = """\
id: plain
namespace: company.team
inputs:
  - {id: name, type: STRING, displayName: Your name}
tasks:
  - {id: greet, type: io.kestra.plugin.core.debug.Return, format: "Hello {{ inputs.name }}"}
outputs:
  - {id: greeting, type: STRING, displayName: Greeting, value: "{{ outputs.greet.value }}"}
"""
DEPENDING = """\
id: depending
namespace: company.team
inputs:
  - {id: kind, type: SELECT, displayName: Kind, values: [pickup, delivery]}
  - id: address
    type: STRING
    displayName: Address
    dependsOn: {inputs: [kind], condition: "{{ inputs.kind == 'delivery' }}"}
tasks:
  - {id: note, type: io.kestra.plugin.core.debug.Return, format: "{{ inputs.address ?? 'none' }}"}
outputs:
  - {id: place, type: STRING, displayName: Place, value: "{{ outputs.note.value }}"}
"""
FAILING = PLAIN.replace("id: plain", "id: failing").replace(
    "tasks:\n",
    "tasks:\n  - {id: stop, type: io.kestra.plugin.core.execution.Fail, runIf: \"{{ inputs.name == 'bad' }}\"}\n",
)
LONG = PLAIN.replace("id: plain", "id: long").replace(
    "tasks:\n", "tasks:\n  - {id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT10M}\n"
)


def app(flow: str, app_id: str = "", *, access: str = "PUBLIC", more: str = "", on: str = "") -> str:
    """The YAML of an App in front of a flow."""
    return (
        f"id: {app_id or flow}\ntype: io.kestra.plugin.ee.apps.Execution\ndisplayName: App {app_id or flow}\n"
        f"description: Ask here.\nnamespace: company.team\nflowId: {flow}\naccess: {access}\n{more}"
        f"layout:\n{on}  - on: OPEN\n    blocks:\n      - type: {RUN}CreateExecutionForm\n"
        f"      - {{type: {RUN}CreateExecutionButton, text: Send}}\n"
    )


APPROVAL = (
    f"  - on: PAUSE\n    blocks:\n      - type: {RUN}Inputs\n      - type: {RUN}ResumeExecutionForm\n"
    f"      - {{type: {RUN}ResumeExecutionButton, text: Approve}}\n"
    f"      - {{type: {RUN}CancelExecutionButton, text: Reject}}\n"
)
FAILURE = (
    f"  - on: FAILURE\n    blocks:\n      - {{type: {CORE}Alert, style: ERROR, showIcon: true, content: It failed.}}\n"
    f'      - {{type: {CORE}Button, text: Try again, url: "{{{{ app.url }}}}"}}\n'
)
CANCEL = f"  - on: RUNNING\n    blocks:\n      - type: {CORE}Loading\n      - type: {RUN}CancelExecutionButton\n"
HOST_PAGE = """<!doctype html><html lang="en"><title>Intranet</title><h1>Intranet</h1>
<script src="{origin}/static/embed.js" data-app="{origin}/ui/main/apps/{uid}" data-title="Ask"></script>
<script>document.title = "waits"; for (const name of ["submitted", "done"])
  document.addEventListener("app:" + name, (event) => {{ document.title += " " + name; }});</script></html>
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = find_chromium()
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def product(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started(tmp_path_factory.mktemp("apps")) as server:
        for flow in (REQUEST, PLAIN, DEPENDING, FAILING, LONG):
            server.client.post("/api/v1/main/flows", content=flow, headers=YAML).raise_for_status()
        yield server


def save(server: Server, source: str) -> str:
    """The address of the App's page."""
    answer = server.client.post("/api/v1/main/apps", content=source, headers=YAML)
    answer.raise_for_status()
    return f"/ui/main/apps/{answer.json()['uid']}"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where a journey's pictures are kept."""
    return tmp_path


def visitor(browser: Browser, server: Server, *, scripts: bool = True, width: int = 1280) -> BrowserContext:
    context = browser.new_context(
        base_url=str(server.client.base_url), java_script_enabled=scripts, viewport={"width": width, "height": 900}
    )
    context.set_default_timeout(PATIENCE)
    return context


def signed_in(browser: Browser, server: Server, name: str = EMAIL, password: str = PASSWORD) -> Page:
    page = visitor(browser, server).new_page()
    page.goto("/ui/login?next=/ui/main/apps/catalog")
    page.locator("#username").fill(name)
    page.locator("#password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/apps/catalog")
    return page


def look(page: Page, pictures: Path, name: str) -> None:
    """Keeps a picture, and fails for what WCAG 2.2 AA forbids or a page that is wider than its window."""
    page.screenshot(path=pictures / f"{name}.png", full_page=True)
    found = Axe().run(page, options=WCAG)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def ended(page: Page, event: str) -> None:
    expect(page.locator(f".app-blocks[data-event={event}]")).to_be_visible(timeout=LONGEST)


def test_1_2_a_request_with_a_file_is_approved_by_a_second_person(
    browser: Browser, product: Server, pictures: Path
) -> None:
    path = save(product, app("export", on=APPROVAL))
    page = visitor(browser, product, width=390).new_page()
    page.goto(path)
    look(page, pictures, "form")
    page.get_by_label("Partner").fill("Nordtex")
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Row limit").fill("9000")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_contain_text("1 answer needs your attention")
    expect(page.locator(".err")).to_have_text("Use 5\u202f000 or less.")
    look(page, pictures, "mistake")
    page.get_by_label("Row limit").fill("50")
    page.get_by_label("Agreement").set_input_files({"name": "deal.txt", "mimeType": "text/plain", "buffer": b"signed"})
    page.get_by_role("button", name="Send").click()
    ended(page, "PAUSE")
    look(page, pictures, "asked")

    product.client.put(path.replace("/ui/main", "/api/v1/main"), content=app("export", access="PRIVATE", on=APPROVAL),
                       headers=YAML).raise_for_status()  # fmt: skip
    approver = signed_in(browser, product)
    expect(approver.get_by_role("region", name="Waiting for me")).to_contain_text("App export")
    look(approver, pictures, "catalog")
    approver.get_by_role("link", name="Review App export").click()
    expect(approver.locator("main")).to_contain_text("Nordtex")
    expect(approver.locator("main")).to_contain_text("Decide by")
    look(approver, pictures, "approval")
    approver.get_by_label("Comment").fill("fine")
    approver.get_by_role("button", name="Approve").click()
    ended(approver, "SUCCESS")
    expect(approver.locator("main")).to_contain_text("packed 50")
    with approver.expect_download() as download:
        approver.get_by_role("link", name="Download").first.click()
    assert Path(download.value.path()).read_bytes() == b"signed"
    look(approver, pictures, "result")
    approver.context.close()
    page.context.close()


def test_3_inputs_that_depend_on_others_come_and_go(browser: Browser, product: Server, pictures: Path) -> None:
    page = visitor(browser, product).new_page()
    page.goto(save(product, app("depending")))
    expect(page.get_by_label("Address")).to_have_count(0)
    page.get_by_label("Kind").select_option("delivery")
    page.get_by_label("Address").fill("Storgata 1")
    look(page, pictures, "depending")
    page.get_by_role("button", name="Send").click()
    ended(page, "SUCCESS")
    expect(page.locator("main")).to_contain_text("Storgata 1")
    page.context.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_4_5_a_failure_says_so_and_a_second_try_succeeds(
    browser: Browser, product: Server, pictures: Path, scripts: bool
) -> None:
    page = visitor(browser, product, scripts=scripts).new_page()
    page.goto(save(product, app("failing", f"failing-{scripts}", on=FAILURE)))
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".err")).to_have_text("Fill this in.")
    page.get_by_label("Your name").fill("bad")
    page.get_by_role("button", name="Send").click()
    ended(page, "FAILURE")
    if scripts:
        look(page, pictures, "failure")
    link = page.get_by_role("link", name="Try again")
    again = re.sub("^https?://[^/]+", "", link.get_attribute("href") or "")
    page.goto(again)
    page.get_by_label("Your name").fill("Ada")
    page.get_by_role("button", name="Send").click()
    ended(page, "SUCCESS")
    expect(page.locator("main")).to_contain_text("Hello Ada")
    page.context.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_6_a_person_cancels_what_he_asked_for(browser: Browser, product: Server, scripts: bool) -> None:
    page = visitor(browser, product, scripts=scripts).new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(save(product, app("long", f"long-{scripts}", on=CANCEL)))
    page.get_by_label("Your name").fill("Ada")
    page.get_by_role("button", name="Send").click()
    ended(page, "RUNNING")
    page.get_by_role("button", name="Cancel").click()
    ended(page, "FAILURE")
    page.context.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_7_a_public_link_needs_no_sign_in_and_its_page_is_light(
    browser: Browser, product: Server, pictures: Path, scripts: bool
) -> None:
    context = visitor(browser, product, scripts=scripts)
    page, loaded = context.new_page(), dict[str, int]()

    def count(answer: Response) -> None:
        if answer.ok and answer.request.resource_type in {"document", "stylesheet", "script"}:
            loaded[answer.url] = len(gzip.compress(answer.body()))

    page.on("response", count)
    page.goto(save(product, app("plain", f"plain-{scripts}")), wait_until="networkidle")
    assert sum(loaded.values()) <= MOST_BYTES, loaded
    page.get_by_label("Your name").fill("Ada")
    page.get_by_role("button", name="Send").click()
    ended(page, "SUCCESS")
    expect(page.locator("main")).to_contain_text("Hello Ada")
    if scripts:
        look(page, pictures, "public")
    there = page.url
    page.goto("/ui/main/flows")
    assert "/ui/login" in page.url
    page.goto(there)
    ended(page, "SUCCESS")
    context.close()


def test_8_an_app_whose_time_is_over_says_so(browser: Browser, product: Server, pictures: Path) -> None:
    page = visitor(browser, product, width=390).new_page()
    over = "expiration: {endDate: 2020-01-01T00:00:00Z}\n"
    page.goto(save(product, app("plain", "over", more=over)))
    expect(page.get_by_role("heading", level=1)).to_have_text("This App has closed")
    look(page, pictures, "closed")
    page.context.close()


def test_9_a_page_on_another_port_shows_an_app_and_is_told_what_happens(
    browser: Browser, product: Server, tmp_path: Path, pictures: Path
) -> None:
    path = save(product, app("plain", "framed"))
    uid, origin = path.rsplit("/", 1)[-1], str(product.client.base_url).rstrip("/")
    (tmp_path / "index.html").write_text(HOST_PAGE.format(origin=origin, uid=uid))
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(f"http://127.0.0.1:{other.server_port}/")
        page.wait_for_timeout(1500)  # what is refused stays refused: nothing to wait for
        assert page.frames[-1].locator("form").count() == 0, "a host that was not named may not show it"
        hosts = {"hosts": [f"127.0.0.1:{other.server_port}"]}
        product.client.put(f"/api/v1/main/apps/{uid}/embed-hosts", json=hosts).raise_for_status()
        page.reload()
        framed = page.frame_locator("iframe")
        framed.get_by_label("Your name").fill("Ada")
        expect(framed.locator(".app-top")).to_have_count(0)
        framed.get_by_role("button", name="Send").click()
        expect(framed.locator("main")).to_contain_text("Hello Ada", timeout=LONGEST)
        expect(page).to_have_title("waits submitted done", timeout=LONGEST)
        height = page.locator("iframe").evaluate("frame => frame.offsetHeight")
        inner: Frame = page.frames[-1]
        assert abs(height - inner.evaluate("document.body.getBoundingClientRect().height")) <= 2
        page.screenshot(path=pictures / "framed.png")
        product.client.put(f"/api/v1/main/apps/{uid}", content=app("plain", "framed", access="PRIVATE"), headers=YAML)
        page.goto(f"http://127.0.0.1:{other.server_port}/")
        expect(framed.get_by_role("link", name="Sign in")).to_have_attribute("target", "_blank")
        expect(framed.locator("input[type=password]")).to_have_count(0)
        page.context.close()
        other.shutdown()


def test_10_an_app_shows_an_execution_of_the_past(browser: Browser, product: Server, pictures: Path) -> None:
    answer = product.client.post("/api/v1/main/executions/company.team/plain", params={"wait": "true"},
                                 files={"name": (None, "Ada")})  # fmt: skip
    answer.raise_for_status()
    source = app("plain", "past").replace("flowId: plain", f"flowId: plain\nexecutionId: {answer.json()['id']}")
    page = visitor(browser, product).new_page()
    page.goto(save(product, source))
    ended(page, "SUCCESS")
    expect(page.locator("main")).to_contain_text("Hello Ada")
    expect(page.get_by_role("button", name="Send")).to_have_count(0)
    look(page, pictures, "past")
    page.context.close()


def test_the_builder_follows_the_text_and_puts_in_blocks(browser: Browser, product: Server, pictures: Path) -> None:
    page = signed_in(browser, product)
    page.goto("/ui/main/apps/new?flow=company.team/plain")
    preview = page.frame_locator("iframe")
    expect(preview.get_by_label("Your name")).to_be_visible()
    page.get_by_label("Event").select_option("SUCCESS")
    expect(preview.locator("main")).to_contain_text("Done.")
    page.locator("#source").evaluate("area => area.setSelectionRange(area.value.length, area.value.length)")
    page.locator(".palette summary").click()
    page.get_by_role("button", name="Divider").click()
    expect(page.locator("#problems")).to_contain_text("No problems")
    look(page, pictures, "builder")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/apps/edit/*")
    for path in ("/ui/main/apps", "/ui/main/apps/brand", page.url.replace("/edit/", "/share/")):
        page.goto(path)
        look(page, pictures, f"console-{path.rsplit('/', 1)[-1]}")
    page.context.close()
