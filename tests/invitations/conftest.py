"""Those who invite, and what they send."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.models import User
from apps.invitations.models import Invitation
from apps.rbac.models import Role
from apps.tenants.scope import tenant_scope
from tests.support.api_client import ApiClient


@pytest.fixture
def role(db: None) -> Callable[[str], str]:
    """Id of a managed role of alpha."""

    def find(name: str) -> str:
        with tenant_scope("alpha"):
            return Role.objects.get(name=name).pk

    return find


@pytest.fixture
def invite(alice: User, role: Callable[[str], str]) -> Callable[..., Invitation]:
    """`invite("priya@example.com", ("Editor", "company.team"))`, by Alice."""

    def send(email: str, *grants: tuple[str, str], **more: Any) -> Invitation:
        bindings = [{"roleId": role(name), "namespaceId": namespace or None} for name, namespace in grants]
        answer = ApiClient(alice).post("/invitations", {"email": email, "bindings": bindings, **more})
        assert answer.status_code == 200, answer.content
        return Invitation.objects.get(pk=answer.json()["id"])

    return send
