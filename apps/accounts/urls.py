"""Routes of sign-in and of one's own account."""

from django.urls import path

from apps.accounts import api, views
from apps.common.api import endpoint

root_urls = [
    path("login", endpoint(POST=api.sign_in)),
    path("logout", endpoint(POST=api.sign_out)),
]
instance_api_urls = [path("auths", endpoint(GET=api.show_sign_in_ways))]
api_urls = [
    path("me/password", endpoint(PUT=api.change_password)),
    path("me/api-tokens", endpoint(GET=api.list_own_tokens, POST=api.create_own_token)),
    path("me/api-tokens/<str:token_id>", endpoint(DELETE=api.delete_own_token)),
]
ui_urls = [
    path("ui/login", views.sign_in, name="sign_in"),
    path("ui/logout", views.sign_out, name="sign_out"),
]
