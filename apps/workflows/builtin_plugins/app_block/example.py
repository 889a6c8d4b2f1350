"""The App around each block's example."""

from __future__ import annotations

from textwrap import indent

from apps.workflows.plugin_api.app_block import AppEvent
from apps.workflows.plugin_api.documented import Example


def shown_on(event: AppEvent, title: str, block: str) -> Example:
    """An App whose page of this event holds the block, given as YAML without indentation."""
    first, _, rest = block.strip().partition("\n")
    item = f"- {first}" + ("\n" + indent(rest, "  ") if rest else "")
    return Example(
        title,
        f"""
id: request_data
type: io.kestra.plugin.ee.apps.Execution
displayName: Request data
namespace: company.team
flowId: request_data
access: PRIVATE
layout:
  - on: {event}
    blocks:
{indent(item, "      ")}
""",
    )
