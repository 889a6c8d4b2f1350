"""What a rendering knows while it runs: variables, scopes, limits used so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.host import Functions
from apps.workflows.expressions.json_text import quote
from apps.workflows.expressions.limits import MAX_LOOP_STEPS, MAX_MADE, MAX_NESTED_RENDERINGS, MAX_TEXT

if TYPE_CHECKING:
    from apps.workflows.expressions.template import Template

MASK = "********"
Variables = Mapping[str, object]


class Budget:
    """Shared by all that one call of the door renders: the host, the secrets seen, the work done."""

    __slots__ = ("depth", "functions", "made", "recursive", "render", "secrets", "size", "steps")

    def __init__(self, functions: Functions, render: Callable[[str, Context, bool], str], recursive: bool) -> None:
        self.functions = functions
        self.render = render
        self.recursive = recursive
        self.secrets: list[str] = []
        self.steps = 0
        self.size = 0
        self.made = 0
        self.depth = 0

    def add_step(self) -> None:
        """Count one more pass through a loop."""
        self.steps += 1
        if self.steps > MAX_LOOP_STEPS:
            raise Failure(f"Loops took more than {MAX_LOOP_STEPS} steps.")

    def add_text(self, length: int) -> None:
        """Count what was written."""
        self.size += length
        if self.size > MAX_TEXT:
            raise Failure(f"The result has more than {MAX_TEXT} characters.")

    def add_made(self, value: object) -> None:
        """Count a text or list that an operation made."""
        if isinstance(value, str):
            self.made += len(value)
        elif isinstance(value, list):
            self.made += 8 * len(value)
        if self.made > MAX_MADE:
            raise Failure("The expression makes more texts and lists than one rendering may.")

    def enter(self) -> None:
        """Go one macro or rendering deeper; `depth` is to be lowered afterwards."""
        self.depth += 1
        if self.depth > MAX_NESTED_RENDERINGS:
            raise Failure("Too many rendering attempts")

    def masked(self, text: str) -> str:
        """The text without any secret that was read."""
        for secret in self.secrets:
            if secret:
                text = text.replace(secret, MASK).replace(quote(secret)[1:-1], MASK)
        return text


class Context:
    """The names a template sees. `scopes` is innermost first; they lie over `variables`, which never change."""

    __slots__ = ("budget", "has_root", "scopes", "template", "variables")

    def __init__(self, variables: Variables, budget: Budget, template: Template) -> None:
        self.variables = variables
        self.budget = budget
        self.template = template
        self.scopes: list[dict[str, object]] = []
        # Whether the outermost scope is the one for names set outside of loops.
        self.has_root = False

    def assign(self, name: str, value: object) -> None:
        """Change the name where it is, else make it in the innermost scope."""
        for scope in self.scopes:
            if name in scope:
                scope[name] = value
                return
        if self.scopes and name not in self.variables:
            self.scopes[0][name] = value
            return
        if not self.has_root:
            self.scopes.append({})
            self.has_root = True
        self.scopes[-1][name] = value

    def nested(self, template: Template) -> Context:
        """For a text rendered from within: sees the same names, changes none of them."""
        context = Context(self.variables, self.budget, template)
        context.scopes = [dict(scope) for scope in self.scopes]
        context.has_root = self.has_root
        return context

    def closed(self, names: dict[str, object]) -> Context:
        """For a macro: sees its arguments only."""
        context = Context({}, self.budget, self.template)
        context.scopes = [names]
        context.has_root = True
        return context

    def visible(self) -> Variables:
        """All names and values, as one map."""
        if not self.scopes:
            return self.variables
        names: dict[str, object] = dict(self.variables)
        for scope in reversed(self.scopes):
            names.update(scope)
        return names
