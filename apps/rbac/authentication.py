"""Pages of signing in at a provider and back; acting as another person, and ending that."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.selectors import current_user, get_user
from apps.accounts.services.providers import find_provider
from apps.accounts.services.sessions import start_session
from apps.accounts.sign_in.oidc import come_back, go_to_provider
from apps.accounts.views.sign_in import safe_target
from apps.common.access import access, public, signed_in
from apps.common.current_tenant import require_tenant
from apps.common.errors import NotFound
from apps.rbac.services.impersonation import start_acting, stop_acting
from apps.rbac.services.provisioning import enter_by_identity


@public
@never_cache
@require_GET
def oauth_login(request: HttpRequest, name: str) -> HttpResponseBase:
    """Sends the browser to the provider."""
    target = safe_target(request, request.GET.get("next") or "")
    return go_to_provider(request, name, target=target, email=request.GET.get("email", "")[:254])


@public
@never_cache
@require_GET
def oauth_callback(request: HttpRequest, name: str) -> HttpResponseBase:
    """Where the provider sends it back. A second factor is the provider's matter: none of ours is asked."""
    identity, target = come_back(request, name)
    provider = find_provider(name)
    if provider is None:
        raise NotFound(f"There is no identity provider '{name[:60]}'.")
    user = enter_by_identity(provider=provider, identity=identity)
    start_session(request, user, way=name)
    return redirect(safe_target(request, target))


@access("IMPERSONATE", "READ")
@require_POST
def act_as(request: HttpRequest) -> HttpResponseBase:
    """From now on this session acts in this tenant as the person whose id is `user`."""
    start_acting(request, acting_user=current_user(request), person=get_user(request.POST.get("user", "")))
    return redirect(reverse("ui:home", kwargs={"tenant": require_tenant()}))


@signed_in
@require_POST
def act_as_oneself(request: HttpRequest) -> HttpResponseBase:
    """Ends it."""
    stop_acting(request, acting_user=current_user(request))
    return redirect(safe_target(request, request.POST.get("next", "")))
