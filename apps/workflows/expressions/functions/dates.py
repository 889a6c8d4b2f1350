"""The function `now`."""

from apps.workflows.expressions.filters.dates import format_date
from apps.workflows.expressions.operation import Operation, functions
from apps.workflows.expressions.scope import Context


def now(
    context: Context,
    format: object = None,
    time_zone: object = None,
    existing_format: object = None,
    locale: object = None,
) -> object:
    """The current date and time as text; the arguments are those of the filter `date`.

    Example: {{ now(format='yyyy-MM-dd', timeZone='Europe/Paris') }} ≈ [0-9]{4}-[0-9]{2}-[0-9]{2}
    """
    return format_date(context.budget.functions.now(), format, time_zone, existing_format, locale)


FUNCTIONS: dict[str, Operation] = functions({"now": now}, wants_context=True)
