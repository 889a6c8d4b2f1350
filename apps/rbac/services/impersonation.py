"""Acting as another person, in one tenant, for as long as a session is told to."""

from django.http import HttpRequest

from apps.accounts.models import User
from apps.accounts.services.sessions import ACTS_AS
from apps.audit.services import record
from apps.common.current_tenant import require_tenant
from apps.common.errors import Forbidden, IllegalState, NotFound
from apps.rbac.decisions import can, has_access, holds_all_of


def check_may_act_as(caller: User, person: User | None, name: str = "") -> User:
    """The person, if the caller may act so in the open tenant: with IMPERSONATE READ, as somebody who may no more than
    the caller. Raises Forbidden, NotFound."""
    if not (caller.is_super_admin or can(caller, "IMPERSONATE", "READ")):
        if not has_access(caller):
            raise NotFound(f"There is no tenant '{require_tenant()}'.")
        raise Forbidden("You need IMPERSONATE READ to act as another person.")
    if person is None or not person.is_active or not has_access(person):
        raise NotFound(f"There is no user '{name[:60]}' in this tenant.")
    if person.is_super_admin and not caller.is_super_admin:
        raise Forbidden("Only a super admin acts as a super admin.")
    if not holds_all_of(caller, person):
        raise Forbidden(f"{person.username} may more than you: nobody gains rights by acting as another person.")
    return person


def start_acting(request: HttpRequest, *, acting_user: User, person: User) -> None:
    """Notes it in the session; each request then looks again whether it is still allowed. Raises Forbidden, NotFound,
    IllegalState."""
    check_may_act_as(acting_user, person, person.username)
    if person.pk == acting_user.pk:
        raise IllegalState("That is you.")
    if request.session.get(ACTS_AS):
        raise IllegalState("You act as another person already: stop that first.")
    detail = {"id": person.id, "username": person.username}
    record(acting_user=acting_user, action="IMPERSONATE", resource="User", detail=detail)
    request.session[ACTS_AS] = {"user": person.pk, "name": person.full_name, "tenant": require_tenant()}


def stop_acting(request: HttpRequest, *, acting_user: User) -> None:
    """Does nothing when nobody is acted as."""
    kept = request.session.pop(ACTS_AS, None)
    if kept is not None:
        detail = {"id": kept["user"], "username": kept["name"], "ended": True}
        record(acting_user=acting_user, action="IMPERSONATE", resource="User", detail=detail)
