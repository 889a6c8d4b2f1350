"""Identity providers in the admin console: entered by a super admin, the secret sealed and kept."""

import pytest
from django.test import Client

from apps.accounts.models import IdentityProvider
from apps.accounts.services.providers import client_secret_of
from tests.factories import make_super_admin

pytestmark = pytest.mark.django_db
ADD = "/admin/accounts/identityprovider/add/"


def test_a_provider_is_entered_and_changed_without_its_secret() -> None:
    client = Client()
    client.force_login(make_super_admin())
    given = {
        "name": "fjord",
        "label": "Fjord SSO",
        "issuer": "https://id.fjord.example",
        "client_id": "kestra",
        "scopes": "openid email",
        "domains": '["Fjord.example"]',
        "groups_claim": "groups",
        "group_mapping": "{}",
        "enabled": "on",
        "client_secret": "s3cret",
    }
    wrong = client.post(ADD, {**given, "domains": '["no domain"]'})
    assert wrong.status_code == 200
    assert "is no domain" in wrong.content.decode()
    assert client.post(ADD, given).status_code == 302
    row = IdentityProvider.objects.get()
    assert (row.domains, client_secret_of(row)) == (["fjord.example"], "s3cret")
    page = f"/admin/accounts/identityprovider/{row.pk}/change/"
    assert "s3cret" not in client.get(page).content.decode()
    assert client.post(page, {**given, "client_secret": "", "label": "Fjord"}).status_code == 302
    row = IdentityProvider.objects.get()
    assert (row.label, client_secret_of(row)) == ("Fjord", "s3cret")
    assert client.post(f"/admin/accounts/identityprovider/{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not IdentityProvider.objects.exists()
