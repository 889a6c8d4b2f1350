"""A time limit for a read, so that no list and no count holds the database for long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

LIST_MILLISECONDS: Final = 5000
COUNT_MILLISECONDS: Final = 150


class TookTooLong(TimeoutError):
    """The read was ended by its time limit."""


@contextmanager
def time_limit(milliseconds: int) -> Iterator[None]:
    """Statements inside end after this time. TookTooLong then; an outer transaction is not harmed.

    Two short statements beside those inside, three when a transaction is open already.
    """
    nested = connection.in_atomic_block
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)])
            yield
            if nested:
                cursor.execute("SELECT set_config('statement_timeout', '0', true)")
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TookTooLong(f"The database did not answer within {milliseconds} ms.") from error
        raise
