"""The index of who may enter which tenant, compared with what the open tenant's schema says, and mended."""

from dataclasses import dataclass
from typing import Final

from django.db import connection, transaction

from apps.common.current_tenant import require_tenant

_COMPARE: Final = """
WITH wanted AS (
  SELECT id FROM public.accounts_user WHERE id IN (
    SELECT external_id FROM rbac_binding WHERE type = 'USER'
    UNION SELECT user_id FROM rbac_groupmember UNION SELECT user_id FROM rbac_tenantaccess)),
held AS (SELECT user_id AS id FROM public.tenants_tenantmember WHERE tenant_id = %(tenant)s),
lacking AS (TABLE wanted EXCEPT TABLE held),
left_over AS (TABLE held EXCEPT TABLE wanted),
added AS (
  INSERT INTO public.tenants_tenantmember (tenant_id, user_id) SELECT %(tenant)s, id FROM lacking WHERE %(mend)s
  ON CONFLICT DO NOTHING),
gone AS (
  DELETE FROM public.tenants_tenantmember
  WHERE %(mend)s AND tenant_id = %(tenant)s AND user_id IN (TABLE left_over))
SELECT (SELECT count(*) FROM lacking), (SELECT count(*) FROM left_over)
"""
# Whoever lets somebody in or takes his access waits until the index is mended.
_HOLD: Final = "LOCK TABLE rbac_binding, rbac_groupmember, rbac_tenantaccess IN SHARE MODE"


@dataclass(frozen=True)
class Differences:
    """How many people the index lacks, and how many it should not have."""

    lacking: int
    left_over: int


def compare_members() -> Differences:
    """Of the open tenant. One query over all its bindings, groups and accesses."""
    return _compare(mend=False)


def mend_members() -> Differences:
    """The same, and nothing differs afterwards; changes of access wait meanwhile."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_HOLD)
        return _compare(mend=True)


def _compare(*, mend: bool) -> Differences:
    with connection.cursor() as cursor:
        cursor.execute(_COMPARE, {"tenant": require_tenant("The index of members"), "mend": mend})
        lacking, left_over = cursor.fetchone() or (0, 0)
    return Differences(lacking, left_over)
