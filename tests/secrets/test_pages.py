"""The tab of a namespace's secrets: keys alone, own and inherited."""

from __future__ import annotations

from apps.accounts.models import User
from apps.isolation.catalog import Kind
from apps.isolation.services import save_choice
from apps.secrets.services import find_secret, list_secrets, save_secret
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests.support.pages import Pages

VALUE = "the-hidden-value"
PATH = "/namespaces/edit/company.team/secrets"


def test_secrets_are_made_described_and_deleted_and_never_shown(alpha: Tenant, alice: User) -> None:
    with tenant_scope("alpha"):
        save_secret(acting_user=None, namespace="company", key="ABOVE", value=VALUE)
    page = Pages(alice)
    made = page.post(PATH, action="save", is_new="1", key="K", value=VALUE, description="d", tags="team: data\nx: y")
    assert made.status == 302, made.text
    shown = page.get(PATH, key="K")
    assert ["K" in shown.text, "ABOVE" in shown.text, "team: data" in shown.text] == [True, True, True]
    assert VALUE not in shown.html
    assert page.post(PATH, action="save", is_new="0", key="K", value="", description="new", tags="").status == 302
    with tenant_scope("alpha"):
        assert find_secret("company.team", "K") == VALUE
        assert [(meta.description, meta.tags) for meta in list_secrets("company.team")] == [("new", {})]
    wrong = page.post(PATH, action="save", is_new="1", key="no key", value=VALUE, description="kept", tags="")
    assert (wrong.status, VALUE in wrong.html, "kept" in wrong.html) == (422, False, True)
    assert "one a line" in page.post(PATH, action="save", is_new="1", key="B", value="x", description="", tags="t").text
    assert page.post(PATH, action="delete", key="K").status == 302
    assert page.post(PATH, action="delete", key="K").status == 404


def test_a_manager_that_is_read_only_or_out_of_reach_is_told(alpha: Tenant, alice: User, vault_address: str) -> None:
    token = {"token": {"token": "root-of-the-tests"}}
    with tenant_scope("alpha"):
        save_choice(acting_user=alice, kind=Kind.SECRET, namespace="company.team", type_name="vault",
                    configuration={"address": vault_address, "readOnly": True, **token})  # fmt: skip
    shown = Pages(alice).get(PATH)
    assert "managed elsewhere" in shown.text
    assert "New secret" not in shown.text


def test_denied_process_says_so_instead_of_a_list(
    alpha: Tenant, alice: User, vault_address: str, settings: object
) -> None:
    token = {"token": {"token": "root-of-the-tests"}}
    with tenant_scope("alpha"):
        save_choice(acting_user=alice, kind=Kind.SECRET, namespace="company.team", type_name="vault",
                    configuration={"address": vault_address, **token})  # fmt: skip
    settings.PROCESS, settings.KESTRA_ISOLATION_DENIED = "web", {"storage": [], "secret": ["web"]}
    shown = Pages(alice).get(PATH)
    assert (shown.status, "only workers may reach" in shown.text) == (200, True)
    refused = Pages(alice).post(PATH, action="save", is_new="1", key="K", value=VALUE, description="", tags="")
    assert (refused.status, VALUE in refused.html) == (403, False)
