"""Makes ProductAdminSite the site of Django's admin."""

from django.contrib.admin.apps import AdminConfig


class ProductAdminConfig(AdminConfig):
    """In INSTALLED_APPS in place of django.contrib.admin."""

    default_site = "apps.common.admin_site.ProductAdminSite"
