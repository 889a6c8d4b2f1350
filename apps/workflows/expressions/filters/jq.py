"""The filter `jq`: queries on JSON, by libjq."""

import re
from functools import lru_cache
from itertools import islice
from typing import Any

import jq as libjq  # type: ignore[import-not-found,unused-ignore]

from apps.workflows.expressions.class_names import class_name
from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.json_text import parse_json, to_json
from apps.workflows.expressions.limits import MAX_JQ_RESULTS
from apps.workflows.expressions.operation import Operation, filters

SHOWN = 1000
# What reaches out of the data is taken away: the process's environment, its files, its output. The names are defined
# anew in front of the query, where they also keep it from importing modules, which may only stand first.
GUARD = (
    "def env: error; def input: error; def inputs: empty; def debug: .; def debug(m): .; def stderr: .; "
    "def input_filename: null; def halt: error; def halt_error: error; def halt_error(c): error; "
    "def modulemeta: error; def get_search_list: []; {} as $ENV | (\n"
)
LINE = re.compile(r"line ([0-9]+)")


@lru_cache(maxsize=256)
def compiled(expression: str) -> Any:
    """The query, ready to run; raises ValueError."""
    try:
        return libjq.compile(f"{GUARD}{expression}\n)")
    except ValueError as error:
        message = str(error).partition("\n")[0]
        raise ValueError(LINE.sub(lambda found: f"line {int(found[1]) - 1}", message)) from None


def jq(value: object, expression: object = None) -> object:
    """The results of a jq query, always as a list; a text is read as JSON first.

    Example: {{ {'a': [1, 2]} | jq('.a[]') }} → [1,2]
    Example: {{ '{"a": 5}' | jq('.a') | first }} → 5
    """
    if not isinstance(expression, str):
        raise Failure("The 'jq' filter expects an argument 'expression'.")
    source = value if isinstance(value, str) else to_json(value)
    try:
        parse_json(source)
    except ValueError:
        # Shown whole or not at all: half a secret would escape the mask.
        shown = source if len(source) <= SHOWN else "…"
        raise Failure(f"Unable to parse jq value '{shown}' with type '{class_name(value)}'") from None
    try:
        program = compiled(expression)
    except ValueError as error:
        raise Failure(f"Unable to parse the jq expression '{expression}': {error}") from None
    try:
        results = list(islice(program.input_text(source), MAX_JQ_RESULTS + 1))
    except ValueError:
        # The library's own message quotes the values it stumbled over.
        raise Failure(f"Unable to run the jq expression '{expression}'") from None
    if len(results) > MAX_JQ_RESULTS:
        raise Failure(f"The jq expression gave more than {MAX_JQ_RESULTS} results.")
    return results


FILTERS: dict[str, Operation] = filters({"jq": jq})
