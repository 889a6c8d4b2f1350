"""Routes of sign-in and of one's own account."""

from django.urls import path

from apps.accounts import api
from apps.accounts.views import password_reset, second_factor, sign_in
from apps.common.api import endpoint

root_urls = [
    path("login", endpoint(POST=api.sign_in)),
    path("logout", endpoint(POST=api.sign_out)),
]
instance_api_urls = [
    path("auths", endpoint(GET=api.show_sign_in_ways)),
    path("forgotten-password", endpoint(GET=api.forgotten_password)),
    path("reset-password", endpoint(POST=api.post_new_password)),
]
api_urls = [
    path("me/password", endpoint(PUT=api.change_password)),
    path("me/sessions", endpoint(GET=api.list_own_sessions, DELETE=api.end_other_sessions)),
    path("me/sessions/<str:session_id>", endpoint(DELETE=api.end_own_session)),
    path("me/api-tokens", endpoint(GET=api.list_own_tokens, POST=api.create_own_token)),
    path("me/api-tokens/<str:token_id>", endpoint(DELETE=api.delete_own_token)),
]
ui_urls = [
    path("ui/login", sign_in.sign_in, name="sign_in"),
    path("ui/login/forgot", password_reset.forgot_password, name="forgot_password"),
    path("ui/login/mfa", second_factor.ask_second_factor, name="second_factor"),
    path("ui/login/mfa/setup", second_factor.enrol, name="enrol_second_factor"),
    path("ui/reset/done", password_reset.password_was_reset, name="password_was_reset"),
    path("ui/reset/<str:token>", password_reset.reset, name="reset_password"),
    path("ui/logout", sign_in.sign_out, name="sign_out"),
]
