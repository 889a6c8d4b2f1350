"""Sign-in, sign-out, and one's own password and tokens."""

from collections.abc import Mapping

from django.conf import settings
from django.contrib.auth import authenticate
from django.http import HttpResponse
from django.middleware.csrf import get_token
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.authentication import PASS_COOKIE, make_pass
from apps.accounts.models import User
from apps.accounts.schemas import (
    ApiTokenList,
    ApiTokenShape,
    CreateApiTokenBody,
    CreatedApiToken,
    PasswordBody,
    ResetPasswordBody,
    SessionList,
    SessionShape,
    SignInBody,
    UserShape,
)
from apps.accounts.selectors import check_own_account, current_user, is_locked_out, list_sessions, list_tokens
from apps.accounts.services import create_api_token, delete_api_token, set_password
from apps.accounts.services.passwords import order_password_reset, reset_password
from apps.accounts.services.providers import list_providers
from apps.accounts.services.second_factor import check_code
from apps.accounts.services.sessions import (
    end_session,
    keep_session,
    revoke_session,
    revoke_sessions,
    start_session,
)
from apps.common.access import public, signed_in
from apps.common.api import parse_shape, read_body, required_query
from apps.common.errors import TooManyRequests, Unauthenticated
from apps.common.mail import mail_enabled


@public
def sign_in(request: Request) -> HttpResponse:
    """E-mail and password, as a form or JSON, start a session; a service account has none."""
    data = request.data if isinstance(request.data, Mapping) else {}
    body = parse_shape({name: data.get(name) for name in ("username", "password", "code")}, SignInBody)
    user = authenticate(request._request, username=body.username, password=body.password)
    if user is None:
        if is_locked_out(body.username):
            raise TooManyRequests("Too many wrong passwords: wait or ask an administrator to unlock.")
        raise Unauthenticated("The e-mail or the password is wrong.")
    if not isinstance(user, User):  # there is no other kind
        raise Unauthenticated("The e-mail or the password is wrong.")
    if user.second_factor and not (body.code and check_code(user=user, code=body.code)):
        raise Unauthenticated("This account has a second factor: send the code your app shows as 'code'.")
    start_session(request._request, user)
    get_token(request._request)
    answer = Response(UserShape.of(user))
    answer.set_cookie(
        PASS_COOKIE,
        make_pass(request._request.session.session_key or ""),
        max_age=settings.SESSION_COOKIE_AGE,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return answer


@signed_in
def sign_out(request: Request) -> HttpResponse:
    """Ends the session."""
    end_session(request._request)
    answer = Response(status=204)
    answer.delete_cookie(PASS_COOKIE)
    return answer


@public
def show_sign_in_ways(request: Request) -> dict[str, object]:
    """What the sign-in page offers."""
    return {"loginPassword": True, "mailsEnabled": mail_enabled(), "oauths": [one.name for one in list_providers()]}


@signed_in
def change_password(request: Request) -> None:
    """One's own; this session goes on, others end."""
    body, user = read_body(request, PasswordBody), check_own_account(request)
    set_password(acting_user=user, user=user, password=body.new_password, old_password=body.old_password)
    keep_session(request._request, user)


@public
def forgotten_password(request: Request) -> str:
    """A link to set a new password goes to `username` by mail, if somebody has that name; the answer tells nothing."""
    order_password_reset(username=required_query(request.query_params, "username"))
    return "If the account exists and mail is configured, a message with a link was sent."


@public
def post_new_password(request: Request) -> str:
    """Sets a password by the token of that link, once."""
    body = read_body(request, ResetPasswordBody)
    reset_password(token=body.token, password=body.new_password)
    return "The password was changed: sign in with it."


@signed_in
def list_own_sessions(request: Request) -> SessionList:
    """Where one is signed in, the last used first."""
    return sessions_of(current_user(request), request._request.session.session_key)


@signed_in
def end_own_session(request: Request, session_id: str) -> None:
    """The one with this id."""
    user = check_own_account(request)
    revoke_session(acting_user=user, user=user, session_id=session_id)


@signed_in
def end_other_sessions(request: Request) -> None:
    """All but the one that asks."""
    user = check_own_account(request)
    revoke_sessions(acting_user=user, user=user, but=request._request.session.session_key)


@signed_in
def list_own_tokens(request: Request) -> ApiTokenList:
    return tokens_of(current_user(request))


@signed_in
def create_own_token(request: Request) -> CreatedApiToken:
    return create_token_for(request, current_user(request))


@signed_in
def delete_own_token(request: Request, token_id: str) -> None:
    delete_api_token(acting_user=current_user(request), user=current_user(request), token_id=token_id)


def sessions_of(user: User, current: str | None = None) -> SessionList:
    """For routes of others, too: who may ask was decided before."""
    return SessionList(results=[SessionShape.of(row, current) for row in list_sessions(user)])


def tokens_of(user: User) -> ApiTokenList:
    """For routes of others, too: who may ask was decided before."""
    return ApiTokenList(results=[ApiTokenShape.of(token) for token in list_tokens(user)])


def create_token_for(request: Request, user: User) -> CreatedApiToken:
    """For routes of others, too: who may ask was decided before."""
    body = read_body(request, CreateApiTokenBody)
    token, full_token = create_api_token(
        acting_user=current_user(request),
        user=user,
        name=body.name,
        description=body.description or "",
        max_age=body.max_age,
        extended=bool(body.extended),
    )
    return CreatedApiToken(id=token.id, name=token.name, full_token=full_token)
