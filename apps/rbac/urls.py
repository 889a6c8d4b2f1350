"""Routes of roles, groups, bindings and people."""

from django.urls import URLPattern

api_urls: list[URLPattern] = []
instance_api_urls: list[URLPattern] = []
