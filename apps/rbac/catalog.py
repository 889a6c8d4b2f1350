"""Every permission and action there is, and the roles each tenant begins with."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Action(StrEnum):
    """What may be done."""

    CREATE = "CREATE"
    READ = "READ"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


ALL: Final = frozenset(Action)
READ: Final = frozenset({Action.READ})


class Permission(StrEnum):
    """On what. Those of NAMESPACED hold within a namespace, the others in the whole tenant."""

    FLOW = "FLOW"
    EXECUTION = "EXECUTION"
    TEMPLATE = "TEMPLATE"
    NAMESPACE = "NAMESPACE"
    KVSTORE = "KVSTORE"
    SECRET = "SECRET"  # noqa: S105  the name of a permission
    CREDENTIAL = "CREDENTIAL"
    APP = "APP"
    APPEXECUTION = "APPEXECUTION"
    TEST = "TEST"
    ASSET = "ASSET"
    DASHBOARD = "DASHBOARD"
    BLUEPRINT = "BLUEPRINT"
    USER = "USER"
    SERVICE_ACCOUNT = "SERVICE_ACCOUNT"
    INVITATION = "INVITATION"
    TENANT_ACCESS = "TENANT_ACCESS"
    GROUP = "GROUP"
    GROUP_MEMBERSHIP = "GROUP_MEMBERSHIP"
    ROLE = "ROLE"
    BINDING = "BINDING"
    AUDITLOG = "AUDITLOG"
    IMPERSONATE = "IMPERSONATE"
    SETTING = "SETTING"
    INFRASTRUCTURE = "INFRASTRUCTURE"
    ME = "ME"
    APITOKEN = "APITOKEN"
    TENANT = "TENANT"
    AI_COPILOT = "AI_COPILOT"


P = Permission
NAMESPACED: Final = frozenset(
    {
        P.FLOW,
        P.EXECUTION,
        P.TEMPLATE,
        P.NAMESPACE,
        P.KVSTORE,
        P.SECRET,
        P.CREDENTIAL,
        P.APP,
        P.APPEXECUTION,
        P.TEST,
        P.ASSET,
        P.AUDITLOG,
    }
)
SUPER_ADMIN_PERMISSIONS: Final = frozenset(
    {
        P.USER,
        P.SERVICE_ACCOUNT,
        P.INVITATION,
        P.TENANT_ACCESS,
        P.GROUP,
        P.GROUP_MEMBERSHIP,
        P.ROLE,
        P.IMPERSONATE,
        P.BINDING,
        P.INFRASTRUCTURE,
        P.SETTING,
        P.TENANT,
    }
)
"""What a super admin may in every tenant without a binding: people and set-up, never flows and executions."""


@dataclass(frozen=True)
class ManagedRole:
    """A role that each tenant has and nobody edits."""

    name: str
    description: str
    permissions: dict[Permission, frozenset[Action]]


_VIEWER: Final = dict.fromkeys(
    (P.FLOW, P.EXECUTION, P.TEMPLATE, P.NAMESPACE, P.KVSTORE, P.APP, P.APPEXECUTION, P.DASHBOARD, P.BLUEPRINT, P.TEST),
    READ,
)
_EDITOR: Final = {
    **dict.fromkeys((P.FLOW, P.EXECUTION, P.TEMPLATE, P.KVSTORE, P.DASHBOARD, P.APP, P.APPEXECUTION, P.TEST), ALL),
    **dict.fromkeys((P.NAMESPACE, P.BLUEPRINT), READ),
    P.AI_COPILOT: ALL,
}
MANAGED_ROLES: Final = (
    ManagedRole("Admin", "Everything in this tenant.", dict.fromkeys(Permission, ALL)),
    ManagedRole(
        "Developer",
        "Builds flows and looks after namespaces and their secrets.",
        {**_EDITOR, **dict.fromkeys((P.NAMESPACE, P.SECRET, P.CREDENTIAL, P.BLUEPRINT, P.ASSET), ALL)},
    ),
    ManagedRole("Editor", "Builds and runs flows.", _EDITOR),
    ManagedRole(
        "Launcher",
        "Runs flows and opens apps.",
        {
            **_VIEWER,
            P.EXECUTION: frozenset({Action.CREATE, Action.READ, Action.UPDATE}),
            P.APPEXECUTION: frozenset({Action.READ, Action.UPDATE}),
        },
    ),
    ManagedRole("Viewer", "Looks, changes nothing.", _VIEWER),
)
ADMIN_ROLE: Final = MANAGED_ROLES[0].name


def actions_as_stored(permissions: dict[Permission, frozenset[Action]]) -> dict[str, list[str]]:
    """As the API shows them and the row keeps them, in a fixed order."""
    return {
        permission.value: [action.value for action in Action if action in permissions[permission]]
        for permission in Permission
        if permission in permissions
    }
