"""Pictures of flows: everything is in them, nothing lies on another, and large flows stay small."""

from collections.abc import Callable
from itertools import combinations

import pytest

from apps.accounts.models import User
from apps.tenants.models import Tenant
from apps.workflows.flow_language.graph import flow_graph
from apps.workflows.flow_language.source import parse_flow
from apps.workflows.services.flows import create_flow
from apps.workflows.views.graph_layout import Size, lay_out
from apps.workflows.views.topology import MOST_NODES, Drawing, TaskMark, draw_flow
from tests.support.pages import Pages

LOG = "type: io.kestra.plugin.core.log.Log, message: x"
FLOW = f"""\
id: all_shapes
namespace: company.team
tasks:
  - {{id: extract, {LOG}}}
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [a, b]
    tasks:
      - id: choose
        type: io.kestra.plugin.core.flow.If
        condition: "{{{{ true }}}}"
        then: [{{id: good, {LOG}}}]
        else: [{{id: bad, {LOG}}}]
      - {{id: load, {LOG}}}
  - id: dag
    type: io.kestra.plugin.core.flow.Dag
    tasks:
      - task: {{id: a, {LOG}}}
      - {{task: {{id: b, {LOG}}}, dependsOn: [a]}}
      - {{task: {{id: c, {LOG}}}, dependsOn: [a]}}
      - {{task: {{id: d, {LOG}}}, dependsOn: [a, b, c]}}
errors: [{{id: tell, {LOG}}}]
finally: [{{id: tidy, {LOG}}}]
afterExecution: [{{id: report, {LOG}}}]
triggers:
  - {{id: daily, type: io.kestra.plugin.core.trigger.Schedule, cron: "0 3 * * *"}}
"""


def drawn(source: str, **options: object) -> Drawing:
    return draw_flow(flow_graph(parse_flow(source)), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("across", [True, False])
def test_every_task_and_trigger_has_a_place_of_its_own(across: bool) -> None:
    drawing = drawn(FLOW, across=across)
    assert {one.item.task_id for one in drawing.boxes} == {
        *("extract", "good", "bad", "load", "a", "b", "c", "d", "tell", "tidy", "report", "daily")
    }
    for one, other in combinations(drawing.boxes, 2):
        apart = (
            one.x + one.width <= other.x
            or other.x + other.width <= one.x
            or one.y + one.height <= other.y
            or other.y + other.height <= one.y
        )
        assert apart, f"{one.item.task_id} lies on {other.item.task_id}"
    for box in [*drawing.boxes, *drawing.groups]:
        assert 0 <= box.x <= box.x + box.width <= drawing.width
        assert 0 <= box.y <= box.y + box.height <= drawing.height


def test_groups_hold_what_is_in_them_and_name_their_kind() -> None:
    drawing = drawn(FLOW)
    groups = {one.item.task_id: one for one in drawing.groups}
    assert {one.item.kind for one in drawing.groups} == {"group", "errors", "finally", "after"}
    good = next(one for one in drawing.boxes if one.item.task_id == "good")
    for name in ("each", "choose"):
        around = groups[name]
        assert around.x < good.x < good.x + good.width < around.x + around.width
        assert around.y < good.y < good.y + good.height < around.y + around.height
    assert good.item.entry == "then"
    assert groups["each"].item.heading == "each · ForEach"


def test_the_order_of_tasks_is_the_order_of_places() -> None:
    place = {one.item.task_id: one for one in drawn(FLOW).boxes}
    assert place["daily"].x < place["extract"].x < place["good"].x < place["a"].x < place["tidy"].x < place["report"].x
    assert place["a"].y < place["b"].y == place["c"].y < place["d"].y


def test_states_are_shown_and_spoken() -> None:
    drawing = drawn(
        FLOW, marks={"extract": TaskMark("FAILED", "12 s", "/there"), "each": TaskMark("RUNNING", "3 of 5")}
    )
    extract = next(one.item for one in drawing.boxes if one.item.task_id == "extract")
    assert extract.spoken == "extract, log.Log, failed, 12 s"
    assert next(one.item.mark for one in drawing.groups if one.item.task_id == "each") == TaskMark("RUNNING", "3 of 5")


def test_many_boxes_close_inner_groups_first_and_one_group_can_be_seen_alone() -> None:
    inner = "\n".join(f"      - {{id: t{number}, {LOG}}}" for number in range(MOST_NODES))
    source = (
        f"id: wide\nnamespace: company.team\ntasks:\n  - {{id: first, {LOG}}}\n"
        f"  - id: many\n    type: io.kestra.plugin.core.flow.Parallel\n    tasks:\n{inner}\n"
    )
    drawing = drawn(source)
    assert [one.item.task_id for one in drawing.boxes] == ["first", "many"]
    closed = drawing.boxes[1].item
    assert closed.subtitle == f"{MOST_NODES} tasks inside"
    alone = drawn(source, focus=closed.uid)
    assert alone.focused
    assert len(alone.boxes) == MOST_NODES


def test_what_cannot_be_closed_is_left_out_and_counted() -> None:
    tasks = "\n".join(f"  - {{id: t{number}, {LOG}}}" for number in range(MOST_NODES + 50))
    drawing = drawn(f"id: long\nnamespace: company.team\ntasks:\n{tasks}\n")
    assert (len(drawing.boxes), drawing.hidden) == (MOST_NODES, 50)


def test_circles_have_a_picture_too() -> None:
    sizes = {name: Size(10, 10) for name in "abc"}
    layout = lay_out(sizes, [("a", "b"), ("b", "c"), ("c", "a"), ("a", "a")], across=True)
    assert len({(corner.x, corner.y) for corner in layout.corners.values()}) == 3
    assert set(layout.bends) == {("a", "b"), ("b", "c"), ("c", "a")}


@pytest.mark.django_db
def test_the_tab_shows_picture_and_list(pages: Callable[..., Pages], bob: User, in_alpha: Tenant) -> None:
    create_flow(acting_user=None, source=FLOW)
    shown = pages(bob).get("/flows/edit/company.team/all_shapes/topology")
    assert shown.status == 200
    assert '<svg viewBox="0 0' in shown.html
    assert shown.html.count('class="node"') == 12
    assert "when a task fails" in shown.text
    assert "As a list" in shown.text
    assert pages(bob).get("/flows/edit/company.payroll/all_shapes/topology").status == 404
