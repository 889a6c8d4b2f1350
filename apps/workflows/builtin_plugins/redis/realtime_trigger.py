"""RealtimeTrigger: starts the flow for each item that comes to a Redis list."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, ClassVar, Final, cast
from uuid import uuid4

from pydantic import Field
from redis import Redis

from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.trigger import RealtimeTrigger as Listener
from apps.workflows.plugin_api.trigger import StreamEvent

WAIT_SECONDS: Final = 1
"""How long a call waits for an item; also how soon a stop is seen."""


class SerdeType(StrEnum):
    """How the items of the list are written."""

    STRING = "STRING"
    JSON = "JSON"


class RealtimeTrigger(Listener, Documented):
    """Take the items of a Redis list, as they come, and start the flow for each.

    An item lies in a list of the trigger's own until its execution is stored, with a number that stays the same: none
    is lost and none starts the flow twice, also when a worker ends in between. Needs Redis 6.2 or newer.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "An execution for each order.",
            """
id: orders
namespace: company.team
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "{{ trigger.value.number }}"
triggers:
  - id: order
    type: io.kestra.plugin.redis.list.RealtimeTrigger
    url: redis://localhost:6379/0
    key: orders
    serdeType: JSON
""",
        ),
    )

    url: str = Field(title="The address of the server, redis:// or rediss://; rendered.")
    key: str = Field(title="The list; rendered.")
    serde_type: SerdeType = Field(default=SerdeType.STRING, title="How items are written; `trigger.value` is one read.")

    def stream(self, context: RunContext) -> Iterator[StreamEvent]:
        key = context.render(self.key)
        own = f"{key}:kestra:{context.namespace}.{context.flow_id}.{self.id}"
        position = f"{own}:position"
        server = Redis.from_url(
            context.render(self.url), decode_responses=True, socket_timeout=WAIT_SECONDS + 10, socket_connect_timeout=10
        )
        with server:
            server.hsetnx(position, "epoch", uuid4().hex)  # a server that lost its data counts anew, under another name
            while not context.cancellation.cancelled():
                item = cast("str | None", server.lindex(own, -1))
                if item is None:
                    item = cast("str | None", server.blmove(key, own, WAIT_SECONDS, "LEFT", "LEFT"))
                if item is None:
                    continue
                epoch, number = cast("list[str | None]", server.hmget(position, ["epoch", "number"]))
                yield StreamEvent({"value": self._read(item)}, name=f"{epoch}:{number or 0}")
                with server.pipeline(transaction=True) as done:
                    done.rpop(own)
                    done.hincrby(position, "number", 1)
                    done.execute()

    def _read(self, item: str) -> Any:
        if self.serde_type is SerdeType.STRING:
            return item
        try:
            return json.loads(item)
        except ValueError as error:
            raise TaskFailed(f"An item is no JSON: {item[:100]}") from error
