"""MailSend: sends a mail."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.notifications.mail_message import MailTask
from apps.workflows.plugin_api.documented import Example
from apps.workflows.plugin_api.property import Property
from apps.workflows.plugin_api.run_context import RunContext


class MailSend(MailTask):
    """Send a mail, with text, HTML, pictures and attachments."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Send a report with a file.",
            """
id: report
namespace: company.team
inputs:
  - id: orders
    type: FILE
tasks:
  - id: send
    type: io.kestra.plugin.mail.MailSend
    host: mail.example.com
    port: 465
    username: reports@example.com
    password: "{{ secret('MAIL_PASSWORD') }}"
    from: reports@example.com
    to: alice@example.com;bob@example.com
    subject: The orders of {{ execution.startDate | date('yyyy-MM-dd') }}
    htmlTextContent: "<p>The orders of the day are attached.</p>"
    attachments:
      - uri: "{{ inputs.orders }}"
        name: orders.csv
        contentType: text/csv
""",
        ),
    )

    html_text_content: Property[str] | None = Field(default=None, title="The text as HTML; rendered.")
    plain_text_content: Property[str] | None = Field(default=None, title="The text for readers without HTML; rendered.")

    def run(self, context: RunContext) -> None:
        self.send(
            context,
            "" if self.subject is None else self.subject.value(context),
            None if self.html_text_content is None else self.html_text_content.value(context),
            None if self.plain_text_content is None else self.plain_text_content.value(context),
        )
