"""All filters by name, one module per family."""

from apps.workflows.expressions.filters import collections, dates, documents, encoding, jq, numbers, replacing, strings
from apps.workflows.expressions.operation import Operation

FILTERS: dict[str, Operation] = {
    **strings.FILTERS,
    **collections.FILTERS,
    **encoding.FILTERS,
    **numbers.FILTERS,
    **replacing.FILTERS,
    **documents.FILTERS,
    **jq.FILTERS,
    **dates.FILTERS,
}
