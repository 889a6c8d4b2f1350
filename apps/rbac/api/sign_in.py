"""Endpoints of how a person signs in, for super admins: sessions, ways in, second factor, lock-out; acting as one."""

from rest_framework.request import Request

from apps.accounts.api import sessions_of
from apps.accounts.schemas import SessionList
from apps.accounts.selectors import current_user, get_user
from apps.accounts.services.passwords import remove_password
from apps.accounts.services.second_factor import reset_second_factor
from apps.accounts.services.sessions import revoke_session, revoke_sessions
from apps.accounts.services.sign_in import unlock_sign_in
from apps.common.access import access, super_admin
from apps.common.errors import Forbidden, NotFound
from apps.rbac.api.people import as_member
from apps.rbac.schemas import MemberShape
from apps.rbac.services.impersonation import start_acting
from apps.rbac.services.provisioning import forget_identity


@super_admin
def list_sessions(request: Request, user_id: str) -> SessionList:
    """Where the person is signed in, the last used first."""
    return sessions_of(get_user(user_id))


@super_admin
def delete_sessions(request: Request, user_id: str) -> MemberShape:
    """Signs the person out everywhere. API tokens stay: they are revoked one by one."""
    user = get_user(user_id)
    revoke_sessions(acting_user=current_user(request), user=user)
    return as_member(user)


@super_admin
def delete_session(request: Request, user_id: str, session_id: str) -> None:
    """Signs the person out in one place."""
    revoke_session(acting_user=current_user(request), user=get_user(user_id), session_id=session_id)


@super_admin
def delete_way(request: Request, user_id: str, way: str) -> MemberShape:
    """Takes away a way in, by the uid that `auths` shows: the password, or a provider."""
    user, acting_user = get_user(user_id), current_user(request)
    found = next((one for one in user.auths if one.get("uid") == way), None)
    if found is None:
        raise NotFound(f"{user.username} has no way in '{way[:60]}'.")
    if found["type"] == "BASIC_AUTH":
        remove_password(acting_user=acting_user, user=user)
    else:
        forget_identity(acting_user=acting_user, user=user, way=way)
    return as_member(user)


@super_admin
def delete_second_factor(request: Request, user_id: str) -> MemberShape:
    """For a person who has lost the device."""
    user = get_user(user_id)
    reset_second_factor(acting_user=current_user(request), user=user)
    return as_member(user)


@super_admin
def delete_lock(request: Request, user_id: str) -> MemberShape:
    """Ends a lock-out after too many wrong tries."""
    user = get_user(user_id)
    unlock_sign_in(acting_user=current_user(request), user=user)
    return as_member(user)


@access("IMPERSONATE", "READ")
def post_impersonation(request: Request, user_id: str) -> MemberShape:
    """From now on the caller's session acts in this tenant as the person; programs send a header instead."""
    if getattr(request._request, "credentials", "") not in {"session", "pass"}:
        raise Forbidden("Only a session acts as another person: send the header X-Kestra-Impersonate.")
    user = get_user(user_id)
    start_acting(request._request, acting_user=current_user(request), person=user)
    return as_member(user)
