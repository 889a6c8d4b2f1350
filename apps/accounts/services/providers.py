"""Identity providers: rows made by super admins, and those the settings name; reading and sealing their secrets."""

import re
from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from apps.accounts.models import IdentityProvider, User
from apps.audit.services import record
from apps.common.current_tenant import opened_schema
from apps.common.errors import Invalid, Problem
from apps.encryption.services import decrypt, encrypt

_SETTING: Final = {
    "issuer": "issuer",
    "clientId": "client_id",
    "label": "label",
    "scopes": "scopes",
    "domains": "domains",
    "groupsClaim": "groups_claim",
    "groupMapping": "group_mapping",
    "trustsEmail": "trusts_email",
}
_DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")
_RECORDED: Final = ("name", "label", "issuer", "client_id", "scopes", "domains", "group_mapping", "enabled")


def configured_providers() -> dict[str, IdentityProvider]:
    """Those of KESTRA_EE_IDENTITY_PROVIDERS, as rows that are in no table. Raises ImproperlyConfigured."""
    found = {}
    for name, given in settings.KESTRA_IDENTITY_PROVIDERS.items():
        if not isinstance(given, Mapping) or not given.get("issuer") or not given.get("clientId"):
            raise ImproperlyConfigured(f"KESTRA_EE_IDENTITY_PROVIDERS: '{name}' needs an issuer and a clientId.")
        unknown = given.keys() - _SETTING.keys() - {"clientSecret"}
        if unknown:
            raise ImproperlyConfigured(
                f"KESTRA_EE_IDENTITY_PROVIDERS: '{name}' has {', '.join(sorted(unknown))}; known are"
                f" {', '.join([*_SETTING, 'clientSecret'])}."
            )
        fields = {field: given[key] for key, field in _SETTING.items() if key in given}
        found[name] = IdentityProvider(name=name, **{"label": name.capitalize(), **fields})
    return found


def list_providers() -> list[IdentityProvider]:
    """The enabled ones, by label; a name of the settings goes before a row. One query."""
    rows = {row.name: row for row in IdentityProvider.objects.filter(enabled=True)}
    return sorted({**rows, **configured_providers()}.values(), key=lambda one: one.label.lower())


def find_provider(name: str) -> IdentityProvider | None:
    return next((one for one in list_providers() if one.name == name), None)


def provider_of_address(email: str) -> IdentityProvider | None:
    """The provider that the e-mail's domain is sent to."""
    domain = email.strip().lower().rpartition("@")[2]
    return next((one for one in list_providers() if domain and domain in one.domains), None)


def client_secret_of(provider: IdentityProvider) -> str:
    """In clear, for the provider's token endpoint alone."""
    given = settings.KESTRA_IDENTITY_PROVIDERS.get(provider.name)
    if given is not None:
        return str(given.get("clientSecret", ""))
    if not provider.sealed_secret:
        return ""
    with opened_schema("public"):
        return decrypt(provider.sealed_secret)


def save_provider(*, acting_user: User, provider: IdentityProvider, client_secret: str = "") -> IdentityProvider:
    """A new row or another state of one; an empty secret leaves the one that is kept. Raises Invalid."""
    check_provider(provider)
    stored = IdentityProvider.objects.filter(pk=provider.pk).first()
    with opened_schema("public"), transaction.atomic():
        if client_secret:
            provider.sealed_secret = encrypt(client_secret)
        elif stored is not None:
            provider.sealed_secret = stored.sealed_secret
        provider.save()
        record(
            acting_user=acting_user,
            action="CREATE" if stored is None else "UPDATE",
            resource="IdentityProvider",
            detail={"id": provider.name, "name": provider.label},
            before=None if stored is None else _values(stored),
            after=_values(provider) | {"secretReplaced": bool(client_secret)},
        )
    return provider


def delete_provider(*, acting_user: User, provider: IdentityProvider) -> None:
    """People who came by it keep their accounts, and need another way in."""
    with opened_schema("public"), transaction.atomic():
        record(
            acting_user=acting_user,
            action="DELETE",
            resource="IdentityProvider",
            detail={"id": provider.name, "name": provider.label},
            before=_values(provider),
        )
        provider.delete()


def check_provider(provider: IdentityProvider) -> None:
    """Writes domains in one form. Raises Invalid with each problem."""
    problems = []
    domains = provider.domains
    if not isinstance(domains, list) or not all(isinstance(one, str) for one in domains):
        problems.append(Problem('must be a list of domains such as ["fjord.example"]', "domains"))
    else:
        provider.domains = [one.strip().lower().lstrip("@") for one in domains]
        problems += [
            Problem(f"'{one[:60]}' is no domain", "domains") for one in provider.domains if not _DOMAIN.fullmatch(one)
        ]
    mapping = provider.group_mapping
    targets = [target for listed in mapping.values() for target in listed] if isinstance(mapping, dict) else [None]
    if not all(isinstance(one, dict) and set(one) == {"tenant", "group"} for one in targets):
        problems.append(
            Problem('must look like {"value of the claim": [{"tenant": "main", "group": "Team"}]}', "groupMapping")
        )
    if "openid" not in provider.scopes.split():
        problems.append(Problem("must hold openid", "scopes"))
    if problems:
        raise Invalid(problems=problems)


def _values(provider: IdentityProvider) -> dict[str, Any]:
    return {name: getattr(provider, name) for name in _RECORDED}
