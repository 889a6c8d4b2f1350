"""Rotation of data keys: a new key, everything under it, and nothing lost after a break."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import User
from apps.encryption.models import DataKey
from apps.encryption.services import CipherTextInvalid
from apps.isolation.catalog import Kind
from apps.isolation.models import BackendChoice
from apps.isolation.selectors import show_choice
from apps.isolation.services import save_choice
from apps.secrets.models import Secret
from apps.secrets.services import find_secret, save_secret
from apps.secrets.services.lookup import secret_cache
from apps.secrets.services.rotation import rotate_tenant_key
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope


def test_rotation_encrypts_all_with_a_new_key_and_values_stay(
    alpha: Tenant, beta: Tenant, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.secrets.services.rotation.BATCH", 2)
    for tenant in ("alpha", "beta"):
        with tenant_scope(tenant):
            for number in range(5):
                save_secret(acting_user=None, namespace="a", key=f"K{number}", value=f"{tenant} {number}")
            save_choice(acting_user=None, kind=Kind.SECRET, namespace="z", type_name="jdbc", configuration={})
    with tenant_scope("beta"):
        before = set(Secret.objects.values_list("value", flat=True))
    output = StringIO()
    call_command("rotate_data_keys", "alpha", stdout=output)

    assert output.getvalue() == "alpha: 6 texts encrypted anew\n"
    secret_cache.forget_all()
    with tenant_scope("alpha"):
        active = DataKey.objects.get(active=True).pk
        texts = [*Secret.objects.values_list("value", flat=True),
                 *BackendChoice.objects.values_list("configuration", flat=True)]  # fmt: skip
        assert {text.split(".")[1] for text in texts} == {active}
        assert [find_secret("a", f"K{number}") for number in range(5)] == [f"alpha {number}" for number in range(5)]
        assert show_choice(Kind.SECRET, "z") is not None
        assert DataKey.objects.count() == 2
    with tenant_scope("beta"):
        assert set(Secret.objects.values_list("value", flat=True)) == before
    with pytest.raises(CommandError, match="no tenant 'gamma'"):
        call_command("rotate_data_keys", "gamma")


def test_rotation_that_broke_off_goes_on_without_another_key(in_alpha: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.secrets.services.rotation.BATCH", 1)
    for key in ("A", "B", "C"):
        save_secret(acting_user=None, namespace="a", key=key, value=key)
    last = Secret.objects.order_by("pk").last()
    assert last is not None
    whole = last.value
    Secret.objects.filter(pk=last.pk).update(value="v1.broken.AAAA")
    with pytest.raises(CipherTextInvalid):
        rotate_tenant_key()
    Secret.objects.filter(pk=last.pk).update(value=whole)

    assert rotate_tenant_key(only_reencrypt=True) == 1
    secret_cache.forget_all()
    assert [find_secret("a", key) for key in ("A", "B", "C")] == ["A", "B", "C"]
    assert DataKey.objects.count() == 2
