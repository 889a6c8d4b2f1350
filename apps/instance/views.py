"""The set-up, as a page and over the API: guarded by the code in the server's log, closed for ever afterwards."""

from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from rest_framework.request import Request

from apps.accounts.schemas import UserShape
from apps.common.access import public
from apps.common.api import read_body
from apps.common.errors import IllegalArgument, ProductError
from apps.common.json_values import Shape
from apps.instance.services.first_start import (
    check_first_tenant,
    check_setup_code,
    configuration,
    is_setup_open,
    say_code,
    set_up,
)

KEY: Final = "setup"
"""In the session: the code and what the steps before the last one said."""


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def setup(request: HttpRequest) -> HttpResponseBase:
    """What is configured, the first tenant, the first person; nothing is made before the last step is sent."""
    if not is_setup_open():
        return redirect("sign_in")
    kept: dict[str, str] = request.session.get(KEY) or {}
    step = "1" if "code" not in kept else request.POST.get("step") or request.GET.get("step") or "2"
    if request.method != "POST":
        say_code()
        return _page(request, kept, step)
    try:
        if step == "1":
            check_setup_code(request.POST.get("code", ""))
            request.session.cycle_key()
            request.session[KEY] = {"code": request.POST["code"]}
        elif step == "2":
            tenant = request.POST.get("tenant", "").strip()
            check_first_tenant(tenant)
            request.session[KEY] = {**kept, "tenant": tenant}
        else:
            return _finish(request, kept)
    except ProductError as error:
        return _page(request, kept, step, problem=error.message, status=error.status)
    return redirect(f"{request.path}?step={int(step) + 1}")


class TenantName(Shape):
    id: str


class SetupData(Shape):
    """The first person, and the first tenant if it is not the default one; the code of the server's log."""

    username: str
    password: str
    code: str
    tenant: str | TenantName | None = None


class SetupShape(Shape):
    """What is configured, and whether there has been an administrator."""

    done: bool
    multi_tenancy_enabled: bool = True
    default_tenant_enabled: bool = True
    repository_type: str = "postgres"
    queue_type: str
    storage_type: str
    secret_type: str
    password_regexp: str


@public
def show_setup(request: Request) -> SetupShape:
    """What the set-up page shows."""
    found, is_open = configuration(), is_setup_open()
    if is_open:
        say_code()
    return SetupShape(
        done=not is_open,
        queue_type=found.queue,
        storage_type=found.storage,
        secret_type=found.secrets,
        password_regexp=settings.KESTRA_PASSWORD_PATTERN,
    )


@public
def post_setup(request: Request) -> UserShape:
    """Makes the first super admin and his tenant; once."""
    body = read_body(request, SetupData)
    tenant = body.tenant.id if isinstance(body.tenant, TenantName) else body.tenant or ""
    return UserShape.of(set_up(code=body.code, username=body.username, password=body.password, tenant_id=tenant))


def _finish(request: HttpRequest, kept: dict[str, str]) -> HttpResponseBase:
    given = {name: request.POST.get(name, "").strip() for name in ("username", "first_name", "last_name")}
    if request.POST.get("password", "") != request.POST.get("again", ""):
        raise IllegalArgument("The two passwords are not the same.")
    user = set_up(
        code=kept["code"], password=request.POST.get("password", ""), tenant_id=kept.get("tenant", ""), **given
    )
    request.session.flush()
    return redirect(f"{settings.LOGIN_URL}?email={user.username}")


def _page(
    request: HttpRequest, kept: dict[str, str], step: str, *, problem: str = "", status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        "step": step if step in {"1", "2", "3"} else "2",
        "problem": problem,
        "configuration": configuration(),
        "tenant": request.POST.get("tenant", kept.get("tenant", "")),
        "given": {name: request.POST.get(name, "") for name in ("username", "first_name", "last_name")},
        "hint": settings.KESTRA_PASSWORD_HINT,
    }
    return render(request, "accounts/setup.html", context, status=status)
