"""Begins, carries on and ends transfers."""

from apps.transfers.services.begin import cancel_transfer, check_may_copy, start_transfer
from apps.transfers.services.carry import carry_on

__all__ = ["cancel_transfer", "carry_on", "check_may_copy", "start_transfer"]
