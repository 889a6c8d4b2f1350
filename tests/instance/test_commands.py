"""The commands that scripts call: answers as JSON, exit codes that tell what went wrong, help that teaches."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command, get_commands, load_command_class
from pytest_django import Settings

from apps.accounts.authentication import user_of_bearer
from apps.accounts.models import User, UserType
from apps.audit.models import AuditEntry, AuditSeal
from apps.common.commands import ProductCommand
from apps.instance.services.audit_chores import seal_all
from apps.rbac.decisions import can, has_access
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests.factories import make_super_admin, make_user
from tests.support.audit_log import MASTER, empty_log, note, seal, tamper

PASSWORD = "Passw0rd-of-script"


def answer(name: str, *arguments: str) -> Any:
    out = StringIO()
    call_command(name, *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def ours() -> list[str]:
    return sorted(
        name
        for name, app in get_commands().items()
        if isinstance(app, str)
        and app.startswith("apps.")
        and isinstance(load_command_class(app, name), ProductCommand)
    )


@pytest.fixture
def password(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("KESTRA_EE_NEW_PASSWORD", PASSWORD)
    return PASSWORD


def test_each_command_teaches_with_examples() -> None:
    names = ours()
    assert len(names) >= 10
    for name in names:
        command = load_command_class(get_commands()[name], name)
        assert isinstance(command, ProductCommand)
        text = command.create_parser("manage.py", name).format_help()
        assert f"manage.py {name}" in text.split("examples:")[1], name
        assert "exit codes: 0 done" in text
        assert len(str(command.help)) > 60, name


def test_tenant_with_people_is_made_used_and_deleted(db: None, password: str) -> None:
    made = answer("create_tenant", "gamma", "--name", "Gamma", "--admin", "bob@example.com")
    assert made == {"id": "gamma", "name": "Gamma", "admin": "bob@example.com"}
    assert "gamma" in [row["id"] for row in answer("list_tenants")]
    ada = answer(
        "create_user", "ada@example.com", "--tenant", "gamma", "--role", "developer", "--namespace", "company.data"
    )
    assert (ada["role"], ada["namespace"]) == ("Developer", "company.data")
    robot = answer("create_user", "terraform", "--service-account", "--tenant", "gamma", "--role", "Admin")
    assert robot["type"] == "SERVICE_ACCOUNT"
    token = answer("create_token", "terraform", "ci", "--days", "90")
    assert user_of_bearer(token["token"]) == User.objects.get(username="terraform")
    with tenant_scope("gamma"):
        person = User.objects.get(username="ada@example.com")
        assert person.check_password(password)
        assert can(person, "FLOW", "CREATE", "company.data.x")
        assert not can(person, "FLOW", "CREATE", "company")
    assert [row["username"] for row in answer("list_users", "--tenant", "gamma", "--search", "ada")] == [
        "ada@example.com"
    ]
    assert answer("delete_tenant", "gamma", "--confirm", "gamma", "--now")["gone"] is True
    assert not Tenant.objects.filter(pk="gamma").exists()


def test_super_admin_comes_and_goes_but_the_last_stays(db: None, password: str) -> None:
    answer("create_super_admin", "root@example.com")
    assert answer("set_user_type", "alice@example.com", "SUPER_ADMIN")["type"] == "SUPER_ADMIN"
    assert answer("set_user_type", "root@example.com", "STANDARD")["type"] == "STANDARD"
    with pytest.raises(CommandError, match="last super admin") as refused:
        call_command("set_user_type", "alice@example.com", "STANDARD")
    assert refused.value.returncode == 1
    entry = AuditEntry.objects.filter(resource="User", type="UPDATE").latest("id")
    assert (entry.user_id, entry.means, entry.after) == (None, "system", {"type": "STANDARD"})


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["create_token", "nobody@example.com", "x"], 3, "no user 'nobody@example.com'"),
        (["create_tenant", "flows"], 1, "lower-case letters"),
        (["create_tenant", "beta"], 1, "already a tenant"),
        (["delete_tenant", "beta", "--confirm", "alpha"], 1, "must be 'beta'"),
        (["delete_tenant", "alpha", "--confirm", "alpha"], 1, "default tenant"),
        (["create_user", "x@example.com", "--no-password", "--tenant", "beta", "--role", "King"], 3, "There are Admin"),
        (["create_user", "x@example.com", "--no-password", "--role", "Admin"], 1, "needs --tenant"),
        (["verify_audit", "--tenant", "omega"], 3, "no tenant 'omega'"),
        (["list_users", "--type", "KING"], 2, "invalid choice"),
    ],
)
def test_refusal_is_one_line_and_an_exit_code(db: None, arguments: list[str], code: int, words: str) -> None:
    with pytest.raises(CommandError, match=words) as refused:
        call_command(*arguments)
    assert refused.value.returncode == (1 if code == 2 else code), "argparse raises 1 within Python, 2 at a shell"
    assert "\n" not in str(refused.value)


def test_password_is_never_an_argument(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KESTRA_EE_NEW_PASSWORD", raising=False)
    monkeypatch.setattr("sys.stdin", StringIO())
    with pytest.raises(CommandError, match="KESTRA_EE_NEW_PASSWORD"):
        call_command("create_super_admin", "root@example.com")
    assert not User.objects.filter(username="root@example.com").exists()


def test_everyone_is_let_in_once(db: None) -> None:
    make_user("dora@example.com")
    make_user("gone@example.com", is_active=False)
    told = answer("sync_access", "--tenant", "alpha", "--dry-run")
    assert "dora@example.com" in told["people"]
    assert "gone@example.com" not in told["people"]
    assert answer("sync_access", "--tenant", "alpha") == told
    assert answer("sync_access", "--tenant", "alpha")["count"] == 0
    with tenant_scope("alpha"):
        assert has_access(User.objects.get(username="dora@example.com"))


def test_invitation_prints_its_link(db: None) -> None:
    root = make_super_admin()
    made = answer(
        "invite", "ada@example.com", "--by", root.username, "--tenant", "alpha", "--role", "Viewer@company.team"
    )
    assert made["link"].startswith("http")
    assert User.objects.filter(type=UserType.SUPER_ADMIN).count() == 1


def test_verification_of_all_logs_tells_the_broken_one(committed_alpha: str, settings: Settings) -> None:
    settings.KESTRA_MASTER_KEY = MASTER
    empty_log()
    note("f")
    seal(1)
    found = {row["log"]: row for row in answer("verify_audit")}
    assert found["alpha"]["whole"]
    assert {"instance", "alpha", "beta"} <= found.keys()
    assert answer("verify_audit", "--tenant", "alpha", "--head", found["alpha"]["head"])[0]["whole"]
    tamper("UPDATE audit_auditentry SET user_name = 'x'")
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit", "--tenant", "alpha", stdout=out)
    assert ended.value.code == 1
    assert "BROKEN at seal 1, entry " in out.getvalue()


def test_chore_seals_what_is_new_in_every_log(committed_alpha: str, settings: Settings) -> None:
    settings.KESTRA_MASTER_KEY = ""
    empty_log()
    note("f")
    assert seal_all() == 0, "without a master key nothing can be signed"
    settings.KESTRA_MASTER_KEY = MASTER
    for _ in range(500):
        seal_all()
        if AuditSeal.objects.exists():
            break
    assert AuditSeal.objects.get().count == 1
