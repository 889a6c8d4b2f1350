"""Three blocks: the API of a tenant, the same for the default tenant with what is instance-wide, and the pages."""

from django.urls import URLPattern, URLResolver, register_converter

from apps.tenants.catalog import TenantConverter

register_converter(TenantConverter, "tenant")

urlpatterns: list[URLPattern | URLResolver] = []
