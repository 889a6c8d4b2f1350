"""Sign-in, sign-out, and one's own password and tokens."""

from collections.abc import Mapping

from django.conf import settings
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
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
    SignInBody,
    UserShape,
)
from apps.accounts.selectors import current_user, is_locked_out, list_tokens
from apps.accounts.services import create_api_token, delete_api_token, set_password
from apps.audit.services import record
from apps.common.access import public, signed_in
from apps.common.api import parse_shape, read_body
from apps.common.errors import TooManyRequests, Unauthenticated


@public
def sign_in(request: Request) -> HttpResponse:
    """E-mail and password, as a form or JSON, start a session; a service account has none."""
    data = request.data if isinstance(request.data, Mapping) else {}
    body = parse_shape({name: data.get(name) for name in ("username", "password")}, SignInBody)
    user = authenticate(request._request, username=body.username, password=body.password)
    if user is None:
        if is_locked_out(body.username):
            raise TooManyRequests("Too many wrong passwords: wait or ask an administrator to unlock.")
        raise Unauthenticated("The e-mail or the password is wrong.")
    login(request._request, user)
    record(acting_user=user, action="LOGIN", resource="User", detail={"id": user.id, "username": user.username})
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
    user = current_user(request)
    record(acting_user=user, action="LOGOUT", resource="User", detail={"id": user.id, "username": user.username})
    logout(request._request)
    answer = Response(status=204)
    answer.delete_cookie(PASS_COOKIE)
    return answer


@public
def show_sign_in_ways(request: Request) -> dict[str, object]:
    """What the sign-in page offers."""
    return {"loginPassword": True, "mailsEnabled": settings.KESTRA_MAIL_ENABLED, "oauths": []}


@signed_in
def change_password(request: Request) -> None:
    """One's own; this session goes on, others end."""
    body = read_body(request, PasswordBody)
    set_password(
        acting_user=current_user(request),
        user=current_user(request),
        password=body.new_password,
        old_password=body.old_password,
    )
    update_session_auth_hash(request._request, current_user(request))


@signed_in
def list_own_tokens(request: Request) -> ApiTokenList:
    return tokens_of(current_user(request))


@signed_in
def create_own_token(request: Request) -> CreatedApiToken:
    return create_token_for(request, current_user(request))


@signed_in
def delete_own_token(request: Request, token_id: str) -> None:
    delete_api_token(acting_user=current_user(request), user=current_user(request), token_id=token_id)


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
