"""What expressions may use, for editors: filters and functions with their documentation."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from apps.common.access import signed_in
from apps.workflows.api.describe import describe
from apps.workflows.api.reading import answer_json
from apps.workflows.expressions.environment import reference


@describe(list[dict[str, Any]], tag="Expressions")
@signed_in
def read_filters(request: Request) -> HttpResponse:
    """All filters, by name, with signature, meaning and examples."""
    return answer_json(_of_kind("filter"))


@describe(list[dict[str, Any]], tag="Expressions")
@signed_in
def read_functions(request: Request) -> HttpResponse:
    """All functions, by name, with signature, meaning and examples."""
    return answer_json(_of_kind("function"))


def _of_kind(kind: str) -> list[dict[str, Any]]:
    return [
        {
            "name": entry.name,
            "signature": entry.signature,
            "description": entry.meaning,
            "examples": [{"template": example.template, "result": example.result} for example in entry.examples],
        }
        for entry in reference()
        if entry.kind == kind
    ]
