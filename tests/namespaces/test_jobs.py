"""The hourly clean-up."""

from datetime import timedelta

import time_machine

from apps.namespaces.jobs import clean_up_kv
from apps.namespaces.models import KeyValue
from apps.namespaces.services import set_kv
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope


def test_pairs_whose_time_is_over_are_removed_in_every_tenant(
    alpha: Tenant, beta: Tenant, frozen_clock: time_machine.Traveller
) -> None:
    for tenant in (alpha, beta):
        with tenant_scope(tenant.pk):
            set_kv(acting_user=None, namespace="company.team", key="short", value="x", ttl=timedelta(minutes=1))
            set_kv(acting_user=None, namespace="company.team", key="long", value="x")
    frozen_clock.shift(timedelta(hours=1))
    clean_up_kv.run()
    for tenant in (alpha, beta):
        with tenant_scope(tenant.pk):
            assert list(KeyValue.objects.values_list("key", flat=True)) == ["long"]
