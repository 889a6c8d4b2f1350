"""How the Apps of a tenant look: title, colour, logo."""

from __future__ import annotations

import io
import re
from typing import Final

from django.db import transaction

from apps.audit.services import Actor, record
from apps.common.colours import contrast
from apps.common.errors import Invalid, Problem
from apps.common.ids import new_id
from apps.instance.services.tenant_settings import image_type
from apps.storage.internal_storage import open_storage
from apps.userapps.models import AppBrand
from apps.userapps.selectors import find_brand

LOGO_BYTES: Final = 256 * 1024
LEAST_CONTRAST: Final = 3.0
"""Of the colour with white and with the dark ground: buttons and marks must be seen in both themes."""
_COLOUR: Final = re.compile(r"#[0-9a-f]{6}")
_ENDINGS: Final = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
_FOLDER: Final = "kestra:///_apps/brand/"


def check_colour(colour: str) -> None:
    """Invalid when it is no #rrggbb, or too pale to be seen on a white page."""
    if not _COLOUR.fullmatch(colour):
        raise Invalid(problems=[Problem("Write the colour as #rrggbb, for example #0b6b62", "colour")])
    found = contrast(colour, "#ffffff")
    if found < LEAST_CONTRAST:
        message = (
            f"This colour has a contrast of {found:.1f} to 1 with white; buttons need {LEAST_CONTRAST:.0f} to 1. "
            "Choose a darker one"
        )
        raise Invalid(problems=[Problem(message, "colour")])


def save_brand(
    *, acting_user: Actor | None, title: str, colour: str, logo: bytes | None = None, drop_logo: bool = False
) -> AppBrand:
    """Set the look; an empty colour is the product's own. ``logo`` None keeps the present one. Invalid."""
    title, colour = title.strip(), colour.strip().lower()
    if len(title) > 100:
        raise Invalid(problems=[Problem("The title has at most 100 characters", "title")])
    if colour:
        check_colour(colour)
    kind = None
    if logo is not None:
        kind = image_type(logo)
        if kind is None:
            raise Invalid(problems=[Problem("A logo is a PNG, JPEG or WebP image", "logo")])
        if len(logo) > LOGO_BYTES:
            raise Invalid(problems=[Problem(f"A logo has at most {LOGO_BYTES // 1024} KB", "logo")])
    brand = find_brand()
    before = _state(brand)
    old = brand.logo
    if logo is not None and kind is not None:
        # Stored under a new name before the row names it, so that nobody is shown half of a picture.
        brand.logo = f"{_FOLDER}{new_id()}.{_ENDINGS[kind]}"
        open_storage().put(brand.logo, io.BytesIO(logo))
    elif drop_logo:
        brand.logo = ""
    brand.title, brand.colour = title, colour
    with transaction.atomic():
        brand.save()
        record(
            acting_user=acting_user,
            action="UPDATE",
            resource="AppBrand",
            detail={},
            before=before,
            after=_state(brand),
            permission="APP",
        )
    if old and old != brand.logo:
        open_storage().delete(old)
    return brand


def _state(brand: AppBrand) -> dict[str, str]:
    return {"title": brand.title, "colour": brand.colour, "logo": brand.logo}
