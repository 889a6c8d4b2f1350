"""Writes of people, passwords, tokens, sessions, second factors: check, save and audit, in one transaction."""

from apps.accounts.services.passwords import check_password, set_password
from apps.accounts.services.people import check_username, create_user, delete_user, set_user_type, update_user
from apps.accounts.services.sign_in import check_sign_in, forget_expired, unlock_sign_in
from apps.accounts.services.tokens import create_api_token, delete_api_token, note_token_use

__all__ = [
    "check_password",
    "check_sign_in",
    "check_username",
    "create_api_token",
    "create_user",
    "delete_api_token",
    "delete_user",
    "forget_expired",
    "note_token_use",
    "set_password",
    "set_user_type",
    "unlock_sign_in",
    "update_user",
]
