"""ExecutionNamespace: whether an execution belongs to a namespace."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from apps.workflows.plugin_api.condition import Asked, Condition
from apps.workflows.plugin_api.documented import Documented, Example


class Comparison(StrEnum):
    """How a text is compared."""

    EQUALS = "EQUALS"
    PREFIX = "PREFIX"
    SUFFIX = "SUFFIX"


class ExecutionNamespace(Condition, Documented):
    """Whether the namespace of the execution equals a text, or begins or ends with it."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "After any flow of a namespace and those below it.",
            """
id: execution_namespace
namespace: company.team
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "Now"
triggers:
  - id: after
    type: io.kestra.plugin.core.trigger.Flow
    conditions:
      - type: io.kestra.plugin.core.condition.ExecutionNamespace
        namespace: company.team
        comparison: PREFIX
""",
        ),
    )

    namespace: str = Field(title="The namespace, or a part of it.")
    comparison: Comparison | None = Field(default=None, title="How the namespaces are compared.")
    prefix: bool = Field(default=False, title="Without `comparison`: whether a beginning is enough.")

    def holds(self, asked: Asked) -> bool:
        source = asked.source()
        return not self.excludes(source.namespace, source.flow_id)

    def seen(self, asked: Asked) -> str:
        return asked.source().namespace

    def excludes(self, namespace: str, flow_id: str) -> bool:
        match self.comparison or (Comparison.PREFIX if self.prefix else Comparison.EQUALS):
            case Comparison.PREFIX:
                return not namespace.startswith(self.namespace)
            case Comparison.SUFFIX:
                return not namespace.endswith(self.namespace)
        return namespace != self.namespace
