"""A filter, function or test as the language knows it: name, parameters, implementation."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

OperationKind = Literal["filter", "function", "test"]

# Parameters whose name in texts is not the camel case of ours.
KEPT_NAMES = frozenset({"replace_pairs"})


@dataclass(frozen=True)
class Parameter:
    """An argument by its name in texts; `default` is what the implementation gets when it is not given."""

    name: str
    default: object
    required: bool


@dataclass(frozen=True)
class Operation:
    """One entry of the tables of filters, functions and tests."""

    name: str
    kind: OperationKind
    call: Callable[..., object]
    parameters: tuple[Parameter, ...]
    variadic: bool
    wants_context: bool = False
    # Gets null where the operand is missing, instead of the error.
    accepts_missing: bool = False
    # A filter that is given null answers null, unless it wants to see it.
    sees_null: bool = True

    @property
    def documentation(self) -> str:
        return inspect.getdoc(self.call) or ""


def camel_case(name: str) -> str:
    """`time_zone` → `timeZone`."""
    return name if name in KEPT_NAMES else re.sub(r"_(\w)", lambda found: found.group(1).upper(), name)


def operation(
    kind: OperationKind,
    name: str,
    call: Callable[..., object],
    wants_context: bool = False,
    accepts_missing: bool = False,
    sees_null: bool = True,
    names: tuple[str, ...] = (),
) -> Operation:
    """Read the parameters from the implementation: context (if wanted) and operand first, then what texts may give.

    `names` replaces the names of the parameters where they can not be ours.
    """
    skipped = (kind != "function") + wants_context
    parameters = list(inspect.signature(call).parameters.values())[skipped:]
    variadic = any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters)
    named = (
        ()
        if variadic
        else tuple(
            Parameter(
                names[index] if names else camel_case(parameter.name),
                None if parameter.default is inspect.Parameter.empty else parameter.default,
                parameter.default is inspect.Parameter.empty,
            )
            for index, parameter in enumerate(parameters)
        )
    )
    return Operation(name, kind, call, named, variadic, wants_context, accepts_missing, sees_null)


def filters(
    calls: dict[str, Callable[..., object]], wants_context: bool = False, sees_null: bool = False
) -> dict[str, Operation]:
    """A family of filters by name."""
    return {
        name: operation("filter", name, call, wants_context=wants_context, sees_null=sees_null)
        for name, call in calls.items()
    }


def functions(calls: dict[str, Callable[..., object]], wants_context: bool = False) -> dict[str, Operation]:
    """A family of functions by name."""
    return {name: operation("function", name, call, wants_context=wants_context) for name, call in calls.items()}
