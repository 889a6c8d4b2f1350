"""How the admin console looks and what its menu offers: the UNFOLD setting."""

from typing import Any, Final

ADMIN_THEME: Final[dict[str, Any]] = {
    "SITE_TITLE": "Platform administration",
    "SITE_HEADER": "Platform administration",
    "SITE_URL": "/ui/",
    "SITE_SYMBOL": "shield_person",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "/static/icons/favicon.svg"}],
    "STYLES": ["/static/css/admin.css"],
    "BORDER_RADIUS": "6px",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": True,
    "COLORS": {
        "primary": {
            "50": "#eef2ff",
            "100": "#e0e7ff",
            "200": "#c7d2fe",
            "300": "#a5b4fc",
            "400": "#818cf8",
            "500": "#6366f1",
            "600": "#4f46e5",
            "700": "#4338ca",
            "800": "#3730a3",
            "900": "#312e81",
            "950": "#1e1b4b",
        }
    },
    "SIDEBAR": {
        "show_search": True,
        "navigation": [
            {
                "title": "Tenants and people",
                "items": [
                    {"title": "Tenants", "icon": "domain", "link": "/admin/tenants/tenant/"},
                    {"title": "People", "icon": "group", "link": "/admin/accounts/user/"},
                    {"title": "API tokens", "icon": "key", "link": "/admin/accounts/apitoken/"},
                    {"title": "Locked sign-ins", "icon": "lock", "link": "/admin/accounts/signinguard/"},
                ],
            },
            {
                "title": "Installation",
                "separator": True,
                "items": [
                    {"title": "Worker groups", "icon": "dns", "link": "/admin/instance/workergroup/"},
                    {"title": "Processes", "icon": "memory", "link": "/admin/instance/serviceinstance/"},
                    {"title": "Periodic tasks", "icon": "schedule", "link": "/admin/django_celery_beat/periodictask/"},
                ],
            },
            {
                "title": "Audit log",
                "separator": True,
                "items": [
                    {"title": "Entries", "icon": "history", "link": "/admin/audit/auditentry/"},
                    {"title": "Seals", "icon": "verified", "link": "/admin/audit/auditseal/"},
                ],
            },
        ],
    },
}
