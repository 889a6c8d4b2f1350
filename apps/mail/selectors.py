"""Reads of mail: what became of it."""

from collections.abc import Iterable

from apps.mail.models import OutgoingMail


def latest_about(subjects: Iterable[str]) -> dict[str, OutgoingMail]:
    """The last mail about each of these (invitation:<id>), without its content. One query."""
    rows = (
        OutgoingMail.objects.filter(about__in=set(subjects)).order_by("about", "-id").distinct("about").defer("content")
    )
    return {row.about: row for row in rows}
