"""Routes of flows, executions, logs, metrics and plugins."""

from __future__ import annotations

from django.urls import URLPattern, path, register_converter

from apps.common.api import Handler
from apps.common.ids import LENGTH
from apps.common.pages import View, page
from apps.namespaces.api.namespaces import put_namespace, show_namespace
from apps.workflows.api import (
    debugging,
    dependencies,
    execution_bulk,
    execution_files,
    execution_kill,
    execution_start,
    executions,
    flow_bulk,
    flow_lists,
    flows,
    logs,
    metrics,
    namespaces,
    pebble,
    plugins,
    streams,
    templates,
    trigger_bulk,
    triggers,
    webhooks,
)
from apps.workflows.api import execution_actions as actions
from apps.workflows.api.describe import route
from apps.workflows.views import (
    backfill,
    bulk,
    execute,
    execution_actions,
    execution_family,
    execution_labels,
    execution_logs,
    execution_metrics,
    execution_outputs,
    execution_page,
    execution_replay,
    execution_resume,
    execution_state,
    execution_task,
    exports,
    filter_bar,
    flow_assist,
    flow_dependencies,
    flow_page,
    flow_search,
    flow_source,
    flow_topology,
)
from apps.workflows.views import executions as execution_pages
from apps.workflows.views import flows as flow_pages
from apps.workflows.views import logs as log_pages
from apps.workflows.views import namespaces as namespace_pages
from apps.workflows.views import triggers as trigger_pages


class ExecutionIdConverter:
    """<execution:execution_id> in a URL: what looks like an id, so that a flow may be called `kill` or `file`."""

    regex = rf"[0-9A-Za-z]{{{LENGTH}}}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(ExecutionIdConverter, "execution")

namespace_routes = [
    path("namespaces/search", route(GET=namespaces.search_namespaces)),
    path("namespaces/<str:namespace>/dependencies", route(GET=dependencies.read_namespace_dependencies)),
    path("secrets", route(GET=namespaces.search_secrets)),
    path("namespaces/autocomplete", route(POST=namespaces.complete_namespace)),
    path(
        "namespaces/<str:namespace>",
        route(GET=show_namespace, PUT=put_namespace, DELETE=namespaces.remove_namespace),
    ),
]
template_routes = [
    path("templates", route(POST=templates.post_template)),
    path("templates/search", route(GET=templates.find_templates)),
    path("templates/distinct-namespaces", route(GET=templates.distinct_namespaces)),
    path("templates/validate", route(POST=templates.validate_templates)),
    path("templates/import", route(POST=templates.import_templates)),
    path("templates/export/by-ids", route(POST=templates.export_by_ids)),
    path("templates/export/by-query", route(GET=templates.export_by_query)),
    path("templates/delete/by-ids", route(DELETE=templates.delete_by_ids)),
    path("templates/delete/by-query", route(DELETE=templates.delete_by_query)),
    path("templates/<str:namespace>", route(POST=templates.save_namespace)),
    path(
        "templates/<str:namespace>/<str:template_id>",
        route(GET=templates.show_template, PUT=templates.put_template, DELETE=templates.remove_template),
    ),
]
flow_routes = [
    path("flows", route(POST=flows.create_flow)),
    path("flows/search", route(GET=flow_lists.find_flows)),
    path("flows/source", route(GET=flow_lists.search_sources)),
    path("flows/distinct-namespaces", route(GET=flow_lists.distinct_namespaces)),
    path("flows/bulk", route(POST=flow_bulk.save_bulk)),
    path("flows/import", route(POST=flow_bulk.import_flows)),
    path("flows/export/by-ids", route(POST=flow_bulk.export_by_ids)),
    path("flows/export/by-query", route(GET=flow_bulk.export_by_query)),
    path("flows/enable/by-ids", route(POST=flow_bulk.enable_by_ids)),
    path("flows/enable/by-query", route(POST=flow_bulk.enable_by_query)),
    path("flows/disable/by-ids", route(POST=flow_bulk.disable_by_ids)),
    path("flows/disable/by-query", route(POST=flow_bulk.disable_by_query)),
    path("flows/delete/by-ids", route(DELETE=flow_bulk.delete_by_ids)),
    path("flows/delete/by-query", route(DELETE=flow_bulk.delete_by_query)),
    path("flows/validate", route(POST=flow_bulk.validate_flows)),
    path("flows/validate/task", route(POST=flow_bulk.validate_task)),
    path("flows/validate/trigger", route(POST=flow_bulk.validate_trigger)),
    path("flows/graph", route(POST=debugging.draw_source)),
    path("flows/<str:namespace>", route(GET=flow_lists.list_namespace, POST=flow_bulk.save_namespace)),
    path(
        "flows/<str:namespace>/<str:flow_id>",
        route(GET=flows.read_flow, PUT=flows.replace_flow, DELETE=flows.remove_flow),
    ),
    path("flows/<str:namespace>/<str:flow_id>/revisions", route(GET=flows.read_revisions)),
    path("flows/<str:namespace>/<str:flow_id>/dependencies", route(GET=dependencies.read_flow_dependencies)),
    path("flows/<str:namespace>/<str:flow_id>/graph", route(GET=debugging.read_flow_graph)),
    path("flows/<str:namespace>/<str:flow_id>/tasks/<str:task_id>", route(GET=flows.read_task)),
]


def action(word: str, **handlers: Handler) -> list[URLPattern]:
    """An action on one execution, at the address older clients know and at that of newer ones."""
    below = "executions/<execution:execution_id>"
    return [path(f"{below}/{word}", route(**handlers)), path(f"{below}/actions/{word}", route(**handlers))]


action_routes = [
    *action("kill", DELETE=execution_kill.kill),
    *action("pause", POST=actions.pause),
    *action("resume", POST=actions.resume),
    *action("resume/validate", POST=actions.validate_resume),
    *action("restart", POST=actions.restart),
    *action("replay", POST=actions.replay),
    *action("replay-with-inputs", POST=actions.replay_with_inputs),
    *action("state", POST=actions.change_state),
    *action("change-status", POST=actions.change_status),
    *action("labels", POST=actions.change_labels),
    *action("force-run", POST=actions.force_run),
    *action("unqueue", POST=actions.unqueue),
    *action("eval/<str:task_run_id>", POST=debugging.evaluate),
    *action("eval", POST=debugging.evaluate),
]

execution_routes = [
    path("executions", route(GET=executions.list_of_flow)),
    path("executions/search", route(GET=executions.find_executions)),
    path("executions/by-ids", route(DELETE=executions.remove_by_ids)),
    path("executions/by-query", route(DELETE=executions.remove_by_query)),
    path("executions/kill/by-ids", route(DELETE=execution_kill.kill_by_ids)),
    path("executions/kill/by-query", route(DELETE=execution_kill.kill_by_query)),
    path("executions/labels/by-ids", route(POST=execution_bulk.label_by_ids)),
    path("executions/labels/by-query", route(POST=execution_bulk.label_by_query)),
    *(path(f"executions/{bulk.word}/by-ids", route(POST=execution_bulk.by_ids(bulk))) for bulk in execution_bulk.BULKS),
    *(
        path(f"executions/{bulk.word}/by-query", route(POST=execution_bulk.by_query(bulk)))
        for bulk in execution_bulk.BULKS
    ),
    path("executions/namespaces", route(GET=executions.startable_namespaces)),
    path("executions/namespaces/<str:namespace>/flows", route(GET=executions.startable_flows)),
    path("executions/flows/<str:namespace>/<str:flow_id>", route(GET=flows.read_flow_for_execution)),
    path("executions/trigger/<str:namespace>/<str:flow_id>", route(POST=execution_start.start_execution)),
    path("executions/<execution:execution_id>/flow", route(GET=executions.read_flow_of_execution)),
    *action_routes,
    path("executions/<execution:execution_id>/graph", route(GET=debugging.read_execution_graph)),
    path("executions/<execution:execution_id>/follow", route(GET=streams.follow_execution)),
    path("executions/<execution:execution_id>/file", route(GET=execution_files.download), name="execution_file"),
    path("executions/<execution:execution_id>/file/metas", route(GET=execution_files.read_metas)),
    path("executions/<execution:execution_id>/file/preview", route(GET=execution_files.preview)),
]
"""Other routes below an execution's id belong here, above those that take any two words."""

start_routes = [
    path(
        "executions/webhook/<str:namespace>/<str:flow_id>/<str:key>",
        route(GET=webhooks.call, POST=webhooks.call, PUT=webhooks.call),
    ),
    path("executions/<str:execution_id>", route(GET=executions.read_execution, DELETE=executions.remove_execution)),
    path(
        "executions/<str:namespace>/<str:flow_id>",
        route(POST=execution_start.start_execution, GET=executions.no_such_execution),
    ),
    path("executions/<str:namespace>/<str:flow_id>/validate", route(POST=execution_start.validate_inputs)),
]

log_routes = [
    path("logs/search", route(GET=logs.find_logs)),
    path("logs/<str:execution_id>", route(GET=logs.read_execution_logs, DELETE=logs.remove_execution_logs)),
    path("logs/<execution:execution_id>/download", route(GET=logs.download_logs)),
    path("logs/<execution:execution_id>/follow", route(GET=streams.follow_logs)),
    path("logs/<str:namespace>/<str:flow_id>", route(GET=executions.no_such_execution, DELETE=logs.remove_flow_logs)),
]

metric_routes = [
    path("metrics/names/<str:namespace>/<str:flow_id>", route(GET=metrics.read_names)),
    path("metrics/names/<str:namespace>/<str:flow_id>/<str:task_id>", route(GET=metrics.read_names)),
    path("metrics/tasks/<str:namespace>/<str:flow_id>", route(GET=metrics.read_tasks)),
    path("metrics/aggregates/<str:namespace>/<str:flow_id>/<str:metric>", route(GET=metrics.aggregate)),
    path("metrics/aggregates/<str:namespace>/<str:flow_id>/<str:task_id>/<str:metric>", route(GET=metrics.aggregate)),
    path("metrics/<str:execution_id>", route(GET=metrics.read_execution_metrics)),
]

plugin_routes = [
    path("plugins", route(GET=plugins.read_plugins)),
    path("plugins/groups/subgroups", route(GET=plugins.read_groups)),
    path("plugins/icons", route(GET=plugins.read_icons)),
    path("plugins/icons/groups", route(GET=plugins.read_icons)),
    path("plugins/inputs", route(GET=plugins.read_inputs)),
    path("plugins/inputs/<str:kind>", route(GET=plugins.read_input)),
    path("plugins/schemas/<str:kind>", route(GET=plugins.read_schema)),
    path("plugins/<str:cls>", route(GET=plugins.read_plugin)),
]

TRIGGER = "triggers/<str:namespace>/<str:flow_id>/<str:trigger_id>"
trigger_routes = [
    path("triggers", route(PUT=triggers.change_trigger)),
    path("triggers/search", route(GET=triggers.find_triggers)),
    path("triggers/unlock/by-triggers", route(POST=trigger_bulk.unlock_by_triggers)),
    path("triggers/unlock/by-query", route(POST=trigger_bulk.unlock_by_query)),
    path("triggers/set-disabled/by-triggers", route(POST=trigger_bulk.set_disabled_by_triggers)),
    path("triggers/set-disabled/by-query", route(POST=trigger_bulk.set_disabled_by_query)),
    path("triggers/set-disabled", route(PUT=triggers.set_disabled)),
    path("triggers/delete/by-triggers", route(DELETE=trigger_bulk.delete_by_triggers)),
    path("triggers/delete/by-query", route(DELETE=trigger_bulk.delete_by_query)),
    path("triggers/export/by-query/csv", route(GET=trigger_bulk.export_csv)),
    path("triggers/backfill/create", route(PUT=triggers.change_trigger)),
    path("triggers/backfill/pause", route(PUT=triggers.pause_one)),
    path("triggers/backfill/unpause", route(PUT=triggers.unpause_one)),
    path("triggers/backfill/delete", route(POST=triggers.delete_one)),
    *(
        path(f"triggers/backfill/{bulk.word}/by-triggers", route(POST=trigger_bulk.by_triggers(bulk)))
        for bulk in trigger_bulk.BACKFILL_BULKS
    ),
    *(
        path(f"triggers/backfill/{bulk.word}/by-query", route(POST=trigger_bulk.by_query(bulk)))
        for bulk in trigger_bulk.BACKFILL_BULKS
    ),
    path("triggers/<str:namespace>/<str:flow_id>", route(GET=triggers.list_of_flow)),
    path(TRIGGER, route(DELETE=triggers.remove_trigger)),
    path(f"{TRIGGER}/unlock", route(POST=triggers.unlock)),
    path(f"{TRIGGER}/restart", route(POST=triggers.restart)),
    path(f"{TRIGGER}/evaluations", route(GET=triggers.read_evaluations)),
]

pebble_routes = [
    path("pebble/filters", route(GET=pebble.read_filters)),
    path("pebble/functions", route(GET=pebble.read_functions)),
]

api_urls: list[URLPattern] = [
    *namespace_routes,
    *template_routes,
    *flow_routes,
    *execution_routes,
    *start_routes,
    *log_routes,
    *metric_routes,
    *plugin_routes,
    *trigger_routes,
    *pebble_routes,
]

FLOW = "flows/edit/<str:namespace>/<str:flow_id>"
EXECUTION = "executions/<str:namespace>/<str:flow_id>/<str:execution_id>"


def question(word: str, ask: View, act: View) -> list[URLPattern]:
    """An action on one execution: its question, and what is done when it is answered."""
    return [path(f"{EXECUTION}/{word}", page(GET=ask, POST=act), name=f"execution_{word.replace('-', '_')}")]


ui_urls: list[URLPattern] = [
    path("namespaces", page(GET=namespace_pages.list_namespaces, POST=namespace_pages.create), name="namespaces"),
    path("namespaces/edit/<str:namespace>", page(GET=namespace_pages.show_namespace), name="namespace"),
    path(
        "namespaces/edit/<str:namespace>/delete",
        page(GET=namespace_pages.ask_delete, POST=namespace_pages.remove),
        name="namespace_delete",
    ),
    path("flows", page(GET=flow_pages.list_flows), name="flows"),
    path("flows/new", page(GET=flow_source.show_new_flow, POST=flow_source.save_new_flow), name="flow_new"),
    path("flows/validate", page(POST=flow_source.validate_source), name="flow_validate"),
    path("flows/search", page(GET=flow_search.search_sources), name="flow_search"),
    path("flows/import", page(GET=flow_search.show_import, POST=flow_search.import_flows), name="flow_import"),
    path("flows/export", page(GET=flow_search.export_flows), name="flow_export"),
    path("flows/complete", page(POST=flow_assist.complete_source), name="flow_complete"),
    path("flows/explain", page(POST=flow_assist.explain_source), name="flow_explain"),
    path("flows/type", page(GET=flow_assist.show_type), name="flow_type"),
    path(FLOW, page(GET=flow_page.show_flow), name="flow"),
    path(f"{FLOW}/topology", page(GET=flow_topology.show_topology), name="flow_topology"),
    path(f"{FLOW}/overview", page(GET=flow_page.show_flow), name="flow_overview"),
    path(f"{FLOW}/dependencies", page(GET=flow_dependencies.show_dependencies), name="flow_dependencies"),
    path(f"{FLOW}/edit", page(GET=flow_source.show_source, POST=flow_source.save_source), name="flow_edit"),
    path(f"{FLOW}/revisions", page(GET=flow_page.show_revisions), name="flow_revisions"),
    path(f"{FLOW}/restore", page(POST=flow_page.restore_revision), name="flow_restore"),
    path(f"{FLOW}/switch", page(POST=flow_page.switch_flow), name="flow_switch"),
    path(f"{FLOW}/delete", page(GET=flow_page.ask_delete, POST=flow_page.remove_flow), name="flow_delete"),
    path(f"{FLOW}/execute", page(GET=execute.show_execute, POST=execute.start_execution), name="flow_execute"),
    path(f"{FLOW}/execute/inputs", page(POST=execute.refresh_inputs), name="flow_execute_inputs"),
    path(f"{FLOW}/executions", page(GET=execution_pages.list_flow_executions), name="flow_executions"),
    path("admin/triggers", page(GET=trigger_pages.list_triggers), name="triggers"),
    path(f"{FLOW}/triggers", page(GET=trigger_pages.list_flow_triggers), name="flow_triggers"),
    path(f"{FLOW}/triggers/<str:trigger_id>", page(POST=trigger_pages.act), name="trigger_act"),
    path(f"{FLOW}/triggers/<str:trigger_id>/why", page(GET=trigger_pages.show_why), name="trigger_why"),
    path(
        f"{FLOW}/triggers/<str:trigger_id>/backfill",
        page(GET=backfill.ask_backfill, POST=backfill.start_backfill),
        name="trigger_backfill",
    ),
    path("logs", page(GET=log_pages.list_logs), name="logs"),
    path("filter/<str:page>/suggest", page(GET=filter_bar.suggest), name="filter_suggest"),
    path("filter/<str:page>/table", page(POST=filter_bar.choose_table), name="table_choice"),
    path("filter/<str:page>/export", page(GET=exports.export_list), name="list_export"),
    path("executions", page(GET=execution_pages.list_executions), name="executions"),
    path("executions/bulk", page(GET=bulk.ask_bulk, POST=bulk.act_bulk), name="executions_bulk"),
    path("executions/rows", page(GET=execution_pages.refresh_rows), name="execution_rows"),
    path(EXECUTION, page(GET=execution_page.show_execution), name="execution"),
    path(f"{EXECUTION}/overview", page(GET=execution_page.show_execution), name="execution_overview"),
    path(f"{EXECUTION}/gantt", page(GET=execution_page.show_gantt), name="execution_gantt"),
    path(f"{EXECUTION}/outputs", page(GET=execution_outputs.show_outputs), name="execution_outputs"),
    path(f"{EXECUTION}/outputs/file", page(GET=execution_outputs.show_file), name="execution_output_file"),
    path(f"{EXECUTION}/outputs/evaluate", page(POST=execution_outputs.evaluate), name="execution_evaluate"),
    path(f"{EXECUTION}/metrics", page(GET=execution_metrics.show_metrics), name="execution_metrics"),
    path(f"{EXECUTION}/dependencies", page(GET=execution_family.show_family), name="execution_dependencies"),
    path(f"{EXECUTION}/logs", page(GET=execution_logs.show_logs), name="execution_logs"),
    path(f"{EXECUTION}/logs/download", page(GET=execution_logs.download_logs), name="execution_logs_download"),
    path(f"{EXECUTION}/task", page(GET=execution_task.show_task), name="execution_task"),
    *question("pause", execution_actions.ask_pause, execution_actions.pause),
    *question("resume", execution_resume.ask_resume, execution_resume.resume),
    path(
        f"{EXECUTION}/resume/inputs", page(POST=execution_resume.refresh_resume_inputs), name="execution_resume_inputs"
    ),
    *question("restart", execution_replay.ask_restart, execution_replay.restart),
    *question("replay", execution_replay.ask_replay, execution_replay.replay),
    path(
        f"{EXECUTION}/replay/inputs", page(POST=execution_replay.refresh_replay_inputs), name="execution_replay_inputs"
    ),
    *question("state", execution_state.ask_state, execution_state.change_state),
    *question("labels", execution_labels.ask_labels, execution_labels.change_labels),
    *question("force-run", execution_actions.ask_force_run, execution_actions.run_by_force),
    *question("unqueue", execution_actions.ask_unqueue, execution_actions.unqueue),
    *question("kill", execution_actions.ask_kill, execution_actions.kill),
    *question("delete", execution_actions.ask_delete, execution_actions.delete),
]
