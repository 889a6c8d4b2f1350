"""How fast texts are compiled and rendered: `python -m tests.bench.expressions`. Figures are per second, the best."""

import sys
from collections.abc import Callable
from time import perf_counter

from apps.workflows.expressions.environment import render
from apps.workflows.expressions.template import Template

VARIABLES = {
    "inputs": {"name": "Ada", "age": 36},
    "flow": {"id": "hello", "namespace": "company.team"},
    "execution": {"id": "5gXyZ"},
    "taskrun": {"value": "b"},
    "outputs": {"each": {"a": {"uri": "kestra:///a"}, "b": {"uri": "kestra:///b"}}},
    "items": list(range(10)),
}
VARIABLE = "{{ inputs.name }}"
MESSAGE = (
    "Flow {{ flow.namespace }}.{{ flow.id }}: {{ inputs.name | upper }} read "
    "{{ outputs.each[taskrun.value].uri }} ({{ inputs.city ?? 'nowhere' }})"
)
LOOP = "{% for item in items %}{{ loop.index }}: {{ item }}{% if not loop.last %}, {% endif %}{% endfor %}"
# Text, least cached renderings a second.
GOALS = {"variable": (VARIABLE, 300_000), "message": (MESSAGE, 80_000), "loop of 10": (LOOP, 20_000)}
SECONDS, ROUNDS = 0.2, 5


def rate(run: Callable[[], object]) -> float:
    """Calls a second, in the best of several short rounds."""
    best = 0.0
    for _ in range(ROUNDS):
        count, start = 0, perf_counter()
        while perf_counter() - start < SECONDS:
            for _ in range(100):
                run()
            count += 100
        best = max(best, count / (perf_counter() - start))
    return best


def main() -> int:
    """Print all figures; 1 when a goal was missed."""
    missed = 0
    for name, (text, goal) in GOALS.items():
        found = rate(lambda text=text: render(text, VARIABLES))  # type: ignore[misc]
        missed += found < goal
        print(f"render {name:12} {found:12,.0f}/s   goal {goal:10,}/s   {'ok' if found >= goal else 'MISSED'}")
    for name, (text, _) in GOALS.items():
        print(f"compile {name:11} {rate(lambda text=text: Template(text)):12,.0f}/s")  # type: ignore[misc]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
