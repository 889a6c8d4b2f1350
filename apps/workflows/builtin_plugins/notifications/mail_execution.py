"""MailExecution: tells by mail how an execution has ended."""

from __future__ import annotations

from html import escape
from typing import ClassVar

from apps.workflows.builtin_plugins.notifications.execution_news import ExecutionNews, ExecutionProperties
from apps.workflows.builtin_plugins.notifications.mail_message import MailTask
from apps.workflows.plugin_api.documented import Example
from apps.workflows.plugin_api.run_context import RunContext

_COLORS = {"good": "#137a4b", "warning": "#8a5a00", "danger": "#b3123f"}


class MailExecution(ExecutionProperties, MailTask):
    """Tell by mail how an execution has ended: the flow, the state, the task that failed, how long it took, and where.

    As a task of `errors` it tells of its own execution.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Tell the team when the flow fails.",
            """
id: import_orders
namespace: company.team
tasks:
  - id: fail
    type: io.kestra.plugin.core.execution.Fail
errors:
  - id: tell
    type: io.kestra.plugin.mail.MailExecution
    host: mail.example.com
    username: alerts@example.com
    password: "{{ secret('MAIL_PASSWORD') }}"
    from: alerts@example.com
    to: team@example.com
    customMessage: Please look after it.
""",
        ),
    )

    def run(self, context: RunContext) -> None:
        news = self.news(context)
        subject = f"{news.title}: {news.outcome}" if self.subject is None else self.subject.value(context)
        self.send(context, subject, _html(news), _plain(news))


def _plain(news: ExecutionNews) -> str:
    facts = [f"{name}: {value}" for name, value in news.facts]
    return "\n".join([*([news.message, ""] if news.message else []), f"{news.title}: {news.outcome}", "", *facts, "",
                      news.summary.link, ""])  # fmt: skip


def _html(news: ExecutionNews) -> str:
    message = f"<p>{escape(news.message)}</p>" if news.message else ""
    rows = "".join(
        f'<tr><th align="left" style="padding:4px 16px 4px 0">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in news.facts
    )
    return f"""<!doctype html>
<html lang="en"><body style="font-family:sans-serif;color:#1d1d28">
{message}<h1 style="font-size:18px">{escape(news.title)}</h1>
<p style="color:{_COLORS[news.color]}"><strong>{escape(news.outcome)}</strong></p>
<table>{rows}</table>
<p><a href="{escape(news.summary.link)}">Details</a></p>
</body></html>
"""
