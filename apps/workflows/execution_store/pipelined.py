"""Statements sent one after another without waiting for each answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def statements_together() -> Iterator[None]:
    """Inside, a statement whose rows nobody fetches costs no wait. One that fails may be told by a later one, or at the
    end; the transaction is lost then, as ever."""
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield
