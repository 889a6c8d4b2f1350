"""Reads of the installation."""

from django.db import connection
from django.db.models import Q, QuerySet

from apps.tenants.models import Tenant


def search_tenants(query: str = "") -> QuerySet[Tenant]:
    found = Tenant.objects.all()
    for word in query.split():
        found = found.filter(Q(pk__icontains=word) | Q(name__icontains=word))
    return found


def database_answers() -> bool:
    """One query. Raises the driver's error when the database is gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone() is not None
