"""Jobs are handed over after the commit, with the tenant that was open."""

import pytest
from django.db import transaction

from apps.common import dispatch
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests.support.inline_dispatcher import InlineDispatcher, Jobs, SentJob


def test_job_waits_for_the_commit(in_alpha: Tenant, jobs: Jobs) -> None:
    with transaction.atomic():
        dispatch.send("workflows.tick", "x", queue="worker.default")
        assert not InlineDispatcher.sent
    with tenant_scope("beta"):
        assert jobs.sent == [SentJob("workflows.tick", ("x",), "alpha", "worker.default")]


def test_job_of_a_rolled_back_transaction_is_never_sent(in_alpha: Tenant, jobs: Jobs) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        dispatch.send("workflows.tick")
        _ = 1 / 0
    assert jobs.sent == []


def test_send_now_does_not_wait_and_tenant_may_be_named(in_alpha: Tenant) -> None:
    assert dispatch.send_now("a.b", 1, tenant=None)
    assert list(InlineDispatcher.sent) == [SentJob("a.b", (1,), None, "executor")]


def test_lost_nudge_is_told_and_not_raised(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object, job: str, args: object, *, tenant: str | None, queue: str) -> None:
        raise dispatch.BrokerUnreachable("down")

    monkeypatch.setattr(InlineDispatcher, "send", refuse)
    assert dispatch.send_now("a.b") is False
