"""Template: the tasks of a stored template, in place."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import FlowableFailed
from apps.workflows.plugin_api.frame import FrameSpec, Lanes, Opening
from apps.workflows.plugin_api.task import IncludingTask
from apps.workflows.plugin_api.typed import BranchingTask


class Template(BranchingTask, IncludingTask, Documented):
    """Run the tasks of a stored template, as if they stood here.

    They read what is given to them as `parent.outputs.args`. Kept for flows of old, and off unless the installation
    switches templates on; new flows use a Subflow.
    """

    deprecated: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Take in a template and give it a value.",
            """
id: uses_a_template
namespace: company.team
tasks:
  - id: greet
    type: io.kestra.plugin.core.flow.Template
    namespace: company.team
    templateId: greeting
    args:
      who: "{{ flow.id }}"
""",
        ),
    )

    namespace: str = Field(title="The namespace of the template.")
    template_id: str = Field(title="The id of the template.")
    args: dict[str, str] | None = Field(default=None, title="Values for the template's tasks; rendered.")

    def template_name(self) -> tuple[str, str]:
        return self.namespace, self.template_id

    def frame(self) -> FrameSpec:
        return FrameSpec(
            lanes=Lanes.ONE,
            lists={"main": self.included_tasks},
            errors=(*self.errors, *self.included_errors),
            finals=tuple(self.finally_),
            control=self.args or {},
        )

    def open(self, control: Any) -> Opening:
        if self.refusal is not None:
            raise FlowableFailed(self.refusal)
        return Opening(outputs={"args": control})
