"""Nobody locks everyone out of a tenant: its last Admin stays."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from apps.accounts.models import User
from apps.common.errors import IllegalState
from apps.rbac.models import Role
from apps.rbac.selectors import get_admin_role, has_admin


@contextmanager
def keeping_an_admin(acting_user: User | None) -> Iterator[None]:
    """A transaction around what takes rights in the open tenant. Of two that take the last two Admins at once, the
    second waits and is refused. A super admin, who can bind a new one, may take the last.

    Raises IllegalState at its end when there was an active person with the Admin role and there is none any more.
    """
    with transaction.atomic():
        if acting_user is None or acting_user.is_super_admin:
            yield
            return
        Role.objects.select_for_update().get(pk=get_admin_role().pk)
        before = has_admin()
        yield
        if before and not has_admin():
            raise IllegalState(
                "This would take the last Admin of the tenant: bind the role Admin to another person first."
            )
