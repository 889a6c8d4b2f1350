"""Routes of the pages that span the apps."""

from django.urls import path

from apps.common.pages import page
from apps.console.views import account, reading, sidebar
from apps.console.views.dashboard import show_dashboard, show_panel
from apps.console.views.events import events
from apps.console.views.home import nothing_here, show_home, to_home, to_start
from apps.console.views.iam import bindings, groups, people, roles
from apps.console.views.iam.frame import to_first_tab
from apps.console.views.iam.person import change_person, show_person
from apps.console.views.menu import NOTHING
from apps.console.views.search import search
from apps.console.views.settings import save_settings, show_settings
from apps.console.views.tenants import list_tenants, show_logo

root_urls = [
    path("", page(GET=to_start)),
    path("ui", page(GET=to_start)),
    path("ui/", page(GET=to_home), name="start"),
]
ui_urls = [
    path("", page(GET=show_home), name="home"),
    path("dashboards", page(GET=show_dashboard), name="dashboards"),
    path("dashboards/default/panels/<str:panel>", page(GET=show_panel), name="dashboard_panel"),
    path("logo", page(GET=show_logo), name="logo"),
    path("tenants", page(GET=list_tenants), name="tenants"),
    path("settings", page(GET=show_settings, POST=save_settings), name="settings"),
    path("settings/profile", page(GET=account.show_profile, POST=account.save_profile), name="settings_profile"),
    path("settings/sign-in", page(GET=account.show_security, POST=account.change_security), name="settings_security"),
    path("settings/tokens", page(GET=account.show_tokens, POST=account.change_tokens), name="settings_tokens"),
    path("settings/layout", page(POST=sidebar.save_layout), name="settings_layout"),
    path("search", page(GET=search), name="search"),
    path("docs", page(GET=reading.list_pages), name="docs"),
    path("docs/<path:path>", page(GET=reading.show_page), name="doc"),
    path("plugins", page(GET=reading.list_plugin_types), name="plugins"),
    path("plugins/<str:type_name>", page(GET=reading.show_plugin_type), name="plugin"),
    path("help", page(GET=sidebar.show_help), name="help"),
    path("help/shortcuts", page(GET=sidebar.show_shortcuts), name="help_shortcuts"),
    path("activity", page(GET=sidebar.show_activity), name="activity"),
    path("session", page(GET=sidebar.check_session), name="session"),
    path("session/renewed", page(GET=sidebar.session_renewed), name="session_renewed"),
    path("events", page(GET=events), name="events"),
    path("admin/iam", page(GET=to_first_tab), name="iam"),
    path("admin/iam/users", page(GET=people.list_users, POST=people.add_user), name="iam_users"),
    path("admin/iam/users/<str:user_id>", page(GET=show_person, POST=change_person), name="iam_user"),
    path("admin/iam/service-accounts", page(GET=people.list_accounts, POST=people.add_account), name="iam_accounts"),
    path("admin/iam/groups", page(GET=groups.list_groups, POST=groups.make_group), name="iam_groups"),
    path("admin/iam/groups/<str:group_id>", page(GET=groups.show_group, POST=groups.change_group), name="iam_group"),
    path("admin/iam/roles", page(GET=roles.list_roles, POST=roles.make_role), name="iam_roles"),
    path("admin/iam/roles/new", page(GET=roles.new_role), name="iam_role_new"),
    path("admin/iam/roles/<str:role_id>", page(GET=roles.show_role, POST=roles.change_role), name="iam_role"),
    path("admin/iam/bindings", page(GET=bindings.list_bindings, POST=bindings.change_bindings), name="iam_bindings"),
]
last_urls = [path("<path:rest>", page(GET=nothing_here), name=NOTHING)]
