"""What allauth's second factors ask of the product: encryption, and names that people see."""

from typing import Any

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter

from apps.common.current_tenant import opened_schema
from apps.encryption.services import decrypt, encrypt

PRODUCT = "Kestra EE"


class FactorAdapter(DefaultMFAAdapter):
    """Named in settings as MFA_ADAPTER. Secrets are kept under the installation's data key, whatever tenant is open."""

    def encrypt(self, text: str) -> str:
        with opened_schema("public"):
            return encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        with opened_schema("public"):
            return decrypt(encrypted_text)

    def get_totp_issuer(self) -> str:
        return f"{PRODUCT} ({context.request.get_host()})"

    def get_public_key_credential_rp_entity(self) -> dict[str, Any]:
        return {"id": context.request.get_host().partition(":")[0], "name": PRODUCT}
