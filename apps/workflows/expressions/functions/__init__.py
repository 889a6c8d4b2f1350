"""All functions by name, one module per family."""

from apps.workflows.expressions.functions import crypto, dates, documents, general, host, rendering
from apps.workflows.expressions.operation import Operation

FUNCTIONS: dict[str, Operation] = {
    **general.FUNCTIONS,
    **documents.FUNCTIONS,
    **dates.FUNCTIONS,
    **rendering.FUNCTIONS,
    **host.FUNCTIONS,
    **crypto.FUNCTIONS,
}
