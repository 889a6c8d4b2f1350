"""Base of the commands that scripts call: one answer, as lines or as JSON; errors as one line and an exit code."""

import json
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from apps.common.errors import NotFound, ProductError
from apps.common.json_values import to_json_value

REFUSED: Final = 1
"""What was asked cannot be done; standard error says why. Wrong arguments are 2, as everywhere."""
MISSING: Final = 3
"""A tenant, person or role that was named is not there."""

CODES: Final = "exit codes: 0 done, 1 refused, 2 wrong arguments, 3 something named is not there"

Answer = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class ProductCommand(BaseCommand):
    """A command gives `help`, `examples`, arguments in `add`, and does its work in `run`, which returns its answer.

    With `--json` the answer is one JSON value on standard output, else lines for people. Exit codes: 0 done, 1 refused,
    2 wrong arguments, 3 something named is not there.
    """

    examples: str = ""
    requires_system_checks = ()

    def add(self, parser: ArgumentParser) -> None:
        """The command's own arguments."""

    def run(self, options: Mapping[str, Any]) -> Answer:
        raise NotImplementedError

    def show(self, answer: Answer) -> str:
        """The answer for people: name and value, or a row a line."""
        rows = [answer] if isinstance(answer, Mapping) else list(answer)
        if isinstance(answer, Mapping):
            return "\n".join(f"{name}: {_plain(value)}" for name, value in answer.items() if value is not None)
        return "\n".join("\t".join(_plain(value) for value in row.values()) for row in rows)

    def code_of(self, answer: Answer) -> int:
        """The exit code of an answer that is no failure to do what was asked."""
        return 0

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = f"examples:\n  {self.examples.strip()}\n\n{CODES}"
        parser.add_argument("--json", action="store_true", help="answer with one JSON value, for scripts")
        self.add(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            answer = self.run(options)
        except ProductError as error:
            code = MISSING if isinstance(error, NotFound) else REFUSED
            raise CommandError(error.message, returncode=code) from error
        as_json = json.dumps(to_json_value(answer), ensure_ascii=False) if options["json"] else self.show(answer)
        self.stdout.write(as_json)
        if code := self.code_of(answer):
            sys.exit(code)


def _plain(value: Any) -> str:
    value = to_json_value(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
