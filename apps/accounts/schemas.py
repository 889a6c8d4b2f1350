"""People and tokens as the API shows and takes them."""

from datetime import datetime, timedelta
from typing import Self

from pydantic import AliasChoices, Field

from apps.accounts.models import ApiToken, SignInSession, User
from apps.common.json_values import Shape


class SignInBody(Shape):
    """POST /login."""

    username: str
    password: str
    code: str | None = None
    """Of the second factor, where the account has one."""


class ResetPasswordBody(Shape):
    """The token of the mailed link, and the new password under the name that clients send."""

    token: str
    new_password: str = Field(validation_alias=AliasChoices("newPassword", "password", "new_password"))


class SessionShape(Shape):
    """Where a person is signed in."""

    id: str
    way: str
    started: datetime
    last_seen: datetime
    ip_address: str | None = None
    user_agent: str
    current: bool

    @classmethod
    def of(cls, session: SignInSession, current: str | None) -> Self:
        return cls(
            id=session.public_id,
            way=session.way,
            started=session.started,
            last_seen=session.last_seen,
            ip_address=session.ip_address,
            user_agent=session.user_agent,
            current=session.pk == current,
        )


class SessionList(Shape):
    results: list[SessionShape]


class CreateApiTokenBody(Shape):
    """A new token; `maxAge` is an ISO duration, none never expires."""

    name: str
    description: str | None = None
    max_age: timedelta | None = None
    extended: bool | None = None


class ApiTokenShape(Shape):
    """A token as lists show it."""

    id: str
    name: str
    description: str
    prefix: str
    iat: datetime
    exp: datetime | None = None
    last_used: datetime | None = None
    extended: bool
    expired: bool

    @classmethod
    def of(cls, token: ApiToken) -> Self:
        return cls(
            id=token.id,
            name=token.name,
            description=token.description,
            prefix=token.prefix,
            iat=token.created,
            exp=token.expires,
            last_used=token.last_used,
            extended=token.extended,
            expired=token.expired,
        )


class CreatedApiToken(Shape):
    """The only answer that ever holds the full token."""

    id: str
    name: str
    full_token: str


class ApiTokenList(Shape):
    results: list[ApiTokenShape]


class AuthShape(Shape):
    """A way the person can sign in."""

    uid: str
    type: str
    name: str | None = None


class UserShape(Shape):
    """A person without what the open tenant adds (groups)."""

    id: str
    type: str
    username: str
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    description: str | None = None
    super_admin: bool = False
    auths: list[AuthShape] = Field(default_factory=list)

    @classmethod
    def of(cls, user: User) -> Self:
        return cls(
            id=user.id,
            type=user.type,
            username=user.username,
            email=user.email or None,
            first_name=user.first_name or None,
            last_name=user.last_name or None,
            description=user.description or None,
            super_admin=user.is_super_admin,
            auths=[AuthShape(**auth) for auth in user.auths],
        )


class PasswordBody(Shape):
    """A new password of one's own."""

    old_password: str
    new_password: str


class PersonBody(Shape):
    """What people may change of themselves."""

    first_name: str | None = None
    last_name: str | None = None
    description: str | None = None
