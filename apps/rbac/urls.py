"""Routes of roles, groups, bindings and people."""

from django.urls import URLPattern, path

from apps.common.api import endpoint
from apps.rbac import authentication
from apps.rbac.api import bindings, groups, me, people, roles, service_accounts, sign_in

_service_account = endpoint(
    GET=service_accounts.show_service_account,
    PUT=service_accounts.put_service_account,
    PATCH=service_accounts.put_service_account,
    DELETE=service_accounts.delete_service_account,
)
_tokens = endpoint(GET=people.list_tokens_of_person, POST=people.create_token_of_person)
_token = endpoint(DELETE=people.delete_token_of_person)

api_urls: list[URLPattern] = [
    path("me", endpoint(GET=me.show_me, PATCH=me.change_me)),
    path("roles", endpoint(POST=roles.post_role)),
    path("roles/search", endpoint(GET=roles.list_roles)),
    path("roles/autocomplete", endpoint(POST=roles.suggest_roles)),
    path("roles/ids", endpoint(POST=roles.roles_by_ids)),
    path("roles/<str:role_id>", endpoint(GET=roles.show_role, PUT=roles.put_role, DELETE=roles.remove_role)),
    path("groups", endpoint(POST=groups.post_group)),
    path("groups/search", endpoint(GET=groups.list_groups)),
    path("groups/autocomplete", endpoint(POST=groups.suggest_groups)),
    path("groups/ids", endpoint(POST=groups.groups_by_ids)),
    path("groups/<str:group_id>", endpoint(GET=groups.show_group, PUT=groups.put_group, DELETE=groups.remove_group)),
    path("groups/<str:group_id>/members", endpoint(GET=groups.list_group_members)),
    path("groups/<str:group_id>/members/membership/<str:user_id>", endpoint(PUT=groups.put_membership)),
    path(
        "groups/<str:group_id>/members/<str:user_id>",
        endpoint(PUT=groups.put_group_member, DELETE=groups.remove_group_member),
    ),
    path("bindings", endpoint(POST=bindings.post_binding)),
    path("bindings/bulk", endpoint(POST=bindings.post_bindings)),
    path("bindings/search", endpoint(GET=bindings.list_bindings)),
    path("bindings/<str:binding_id>", endpoint(GET=bindings.show_binding, DELETE=bindings.remove_binding)),
    path("users", endpoint(GET=people.list_people, POST=people.post_person)),
    path("users/search", endpoint(GET=people.list_people)),
    path("users/autocomplete", endpoint(POST=people.suggest_people)),
    path("users/service-accounts", endpoint(POST=service_accounts.post_service_account)),
    path("users/service-accounts/<str:user_id>", _service_account),
    path(
        "users/<str:user_id>",
        endpoint(GET=people.show_person, PUT=people.put_person, PATCH=people.put_person, DELETE=people.delete_person),
    ),
    path("users/<str:user_id>/groups", endpoint(PUT=people.put_groups_of_person)),
    path("users/<str:user_id>/permissions", endpoint(GET=people.show_permissions)),
    path("users/<str:user_id>/password", endpoint(PUT=people.put_password, PATCH=people.put_password)),
    path("users/<str:user_id>/impersonate", endpoint(POST=sign_in.post_impersonation)),
    path("users/<str:user_id>/refresh-token", endpoint(DELETE=sign_in.delete_sessions)),
    path("users/<str:user_id>/sessions", endpoint(GET=sign_in.list_sessions, DELETE=sign_in.delete_sessions)),
    path("users/<str:user_id>/sessions/<str:session_id>", endpoint(DELETE=sign_in.delete_session)),
    path("users/<str:user_id>/auths/<path:way>", endpoint(DELETE=sign_in.delete_way)),
    path("users/<str:user_id>/api-tokens", _tokens),
    path("users/<str:user_id>/api-tokens/<str:token_id>", _token),
    path(
        "service-accounts",
        endpoint(GET=service_accounts.list_service_accounts, POST=service_accounts.post_service_account),
    ),
    path("service-accounts/<str:user_id>", _service_account),
    path("service-accounts/<str:user_id>/api-tokens", _tokens),
    path("tenant-access", endpoint(GET=people.list_people, POST=people.post_person)),
    path("tenant-access/autocomplete", endpoint(POST=people.suggest_people)),
    path(
        "tenant-access/<str:user_id>",
        endpoint(GET=people.show_person, PUT=people.put_access, DELETE=people.delete_person),
    ),
    path("service-accounts/<str:user_id>/api-tokens/<str:token_id>", _token),
]
# The same by a super admin who names the tenant after /tenants/; kestra_ee/urls.py puts that before them.
administered_urls: list[URLPattern] = [
    pattern for pattern in api_urls if str(pattern.pattern).split("/")[0] in {"roles", "groups", "bindings", "users"}
]
ui_urls: list[URLPattern] = [
    path("admin/iam/act-as", authentication.act_as, name="act_as"),
]
instance_api_urls: list[URLPattern] = [
    path("users/<str:user_id>/superadmin", endpoint(PATCH=people.put_super_admin)),
    path("tenants/users/<str:user_id>/set-superadmin", endpoint(PUT=people.put_super_admin)),
    path("users/<str:user_id>/second-factor", endpoint(DELETE=sign_in.delete_second_factor)),
    path("users/<str:user_id>/lock", endpoint(DELETE=sign_in.delete_lock)),
]
root_urls: list[URLPattern] = [
    path("oauth/login/<slug:name>", authentication.oauth_login, name="oauth_login"),
    path("oauth/callback/<slug:name>", authentication.oauth_callback, name="oauth_callback"),
    path("ui/logout/acting", authentication.act_as_oneself, name="act_as_oneself"),
]
