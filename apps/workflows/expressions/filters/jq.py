"""The filter `jq`: queries on JSON, by libjq in a process of its own."""

import re

from apps.workflows.expressions.class_names import class_name
from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.filters.jq_process import JqEnded, jq_process
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
        answer = jq_process.run(f"{GUARD}{expression}\n)", source)
    except JqEnded:
        raise Failure(f"The jq expression '{expression}' takes too much time or memory.") from None
    match answer.get("failed"):
        case "compile":
            message = LINE.sub(lambda found: f"line {int(found[1]) - 1}", answer["message"])
            raise Failure(f"Unable to parse the jq expression '{expression}': {message}")
        case "run":
            # The library's own message quotes the values it stumbled over.
            raise Failure(f"Unable to run the jq expression '{expression}'")
        case "many":
            raise Failure(f"The jq expression gave more than {MAX_JQ_RESULTS} results.")
    results: list[object] = answer["results"]
    return results


FILTERS: dict[str, Operation] = filters({"jq": jq})
