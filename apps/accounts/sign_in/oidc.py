"""OpenID Connect: to the provider and back, with allauth doing the protocol. Each answer's signature is checked."""

from typing import Any, Final, NoReturn

import jwt
import structlog
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from requests import RequestException

from apps.accounts.models import IdentityProvider
from apps.accounts.services.providers import client_secret_of, find_provider, list_providers
from apps.accounts.sign_in.identity import MOST_GROUPS, Identity, SignInRefused
from apps.common.errors import NotFound

log = structlog.get_logger(__name__)
ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures by a key pair only: with the others our own secret would be the proof."""
LEEWAY_SECONDS: Final = 30
_UNREACHABLE: Final = "does not answer as it should: try again, or tell your administrator."


class _Proved(Exception):
    """Carries the identity out of allauth's flow, before that looks for accounts by itself."""

    def __init__(self, identity: Identity, target: str) -> None:
        super().__init__(identity.subject)
        self.identity, self.target = identity, target


def go_to_provider(request: HttpRequest, name: str, *, target: str, email: str = "") -> HttpResponseBase:
    """The redirect that starts a sign-in there; `target` is where it ends here. Asks the provider for its addresses.

    Raises NotFound, SignInRefused when it cannot be reached.
    """
    provider = _provider(request, name)
    hints = {"login_hint": email} if email else {}
    try:
        answer: HttpResponseBase = provider.redirect(
            request, AuthProcess.LOGIN, next_url=target, auth_params={**provider.get_auth_params(), **hints}
        )
    except (RequestException, ValueError, KeyError, OAuth2Error) as error:
        log.warning("identity provider cannot be reached", provider=name, error=str(error))
        raise SignInRefused(f"{provider.name} {_UNREACHABLE}") from error
    return answer


def come_back(request: HttpRequest, name: str) -> tuple[Identity, str]:
    """What the provider proved, and where to go now. Raises NotFound, SignInRefused."""
    provider = _provider(request, name)
    if request.GET.get("error") == "access_denied":
        raise SignInRefused(f"You did not sign in at {provider.name}.")
    try:
        OAuth2CallbackView.adapter_view(_Protocol(request, name))(request)
    except _Proved as proved:
        return proved.identity, proved.target
    except (RequestException, ValueError, KeyError) as error:
        log.warning("identity provider's answer cannot be used", provider=name, error=str(error))
        raise SignInRefused(f"{provider.name} {_UNREACHABLE}") from error
    raise SignInRefused("The sign-in was not finished: begin again.")


class ProviderAdapter(DefaultSocialAccountAdapter):
    """Named in settings as SOCIALACCOUNT_ADAPTER: providers come from our rows, identities leave by `_Proved`."""

    def list_apps(self, request: Any, provider: str | None = None, client_id: str | None = None) -> list[SocialApp]:
        wanted = list_providers() if provider is None else [find_provider(provider)]
        return [_as_app(one) for one in wanted if one is not None and client_id in (None, one.client_id)]

    def get_provider(self, request: Any, provider: str, client_id: str | None = None) -> "_Provider":
        return _Provider(request, app=self.get_app(request, provider=provider, client_id=client_id))

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> NoReturn:
        app = sociallogin.provider.app
        identity = _identity(app, sociallogin.account.extra_data)
        raise _Proved(identity, sociallogin.state.get("next") or "")

    def on_authentication_error(
        self, request: Any, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> NoReturn:
        log.warning("sign-in at a provider failed", provider=provider.app.provider_id, error=str(exception or error))
        raise SignInRefused(f"{provider.name} did not confirm the sign-in, or it took too long: begin again.")


class _Protocol(OpenIDConnectOAuth2Adapter):
    """Our callback's address; and the signature is checked also where the standard would let it be."""

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return request.build_absolute_uri(reverse("oauth_callback", kwargs={"name": self.provider_id}))

    def complete_login(self, request: HttpRequest, app: SocialApp, token: Any, **kwargs: Any) -> Any:
        """Raises OAuth2Error when the two answers are about different people."""
        login = super().complete_login(request, app, token, **kwargs)
        data = login.account.extra_data
        if "id_token" not in data:
            raise OAuth2Error("The provider sent no id_token: it must be allowed the scope openid.")
        if "userinfo" in data and data["userinfo"].get("sub") != data["id_token"].get("sub"):
            raise OAuth2Error("The provider's two answers are about different people.")
        return login

    def _decode_id_token(self, app: SocialApp, id_token: str) -> dict[str, Any]:
        """Raises OAuth2Error when signature, issuer, audience or time are wrong."""
        with get_adapter().get_requests_session() as asked:
            answer = asked.get(self.openid_config["jwks_uri"])
            answer.raise_for_status()
        try:
            named = jwt.get_unverified_header(id_token).get("kid")
            keys = [key for key in jwt.PyJWKSet.from_dict(answer.json()).keys if named in (None, key.key_id)]
            if len(keys) != 1:
                raise OAuth2Error("The provider's keys do not tell which of them signed.")
            claims: dict[str, Any] = jwt.decode(
                id_token,
                keys[0],
                algorithms=ALGORITHMS,
                audience=app.client_id,
                issuer=self.openid_config["issuer"],
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise OAuth2Error(f"The provider's id_token is not good: {error}") from error
        return claims


class _Provider(OpenIDConnectProvider):
    oauth2_adapter_class = _Protocol
    pkce_enabled_default = True


def _provider(request: HttpRequest, name: str) -> _Provider:
    if find_provider(name) is None:
        raise NotFound(f"There is no identity provider '{name[:60]}'.")
    made: _Provider = get_adapter(request).get_provider(request, name)
    return made


def _as_app(provider: IdentityProvider) -> SocialApp:
    """A row as allauth knows providers; it is never saved."""
    return SocialApp(
        provider=OpenIDConnectProvider.id,
        provider_id=provider.name,
        name=provider.label,
        client_id=provider.client_id,
        secret=client_secret_of(provider),
        settings={
            "server_url": provider.issuer.rstrip("/"),
            "scope": provider.scopes.split(),
            "groups_claim": provider.groups_claim,
            "trusts_email": provider.trusts_email,
        },
    )


def _identity(app: SocialApp, answers: dict[str, Any]) -> Identity:
    claims = {**answers.get("id_token", {}), **answers.get("userinfo", {})}
    groups = claims.get(app.settings["groups_claim"]) if app.settings["groups_claim"] else None
    listed = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
    name = str(claims.get("name") or "")
    return Identity(
        provider=app.provider_id,
        subject=str(claims["sub"]),
        email=str(claims.get("email") or "").strip().lower(),
        email_verified=claims.get("email_verified") in (True, "true") or app.settings["trusts_email"],
        first_name=str(claims.get("given_name") or name.partition(" ")[0])[:150],
        last_name=str(claims.get("family_name") or name.partition(" ")[2])[:150],
        groups=tuple(str(one) for one in listed[:MOST_GROUPS]),
    )
