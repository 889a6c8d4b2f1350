"""Begins, carries on and ends transfers."""

from apps.transfers.services.begin import cancel_transfer, start_transfer
from apps.transfers.services.carry import carry_on

__all__ = ["cancel_transfer", "carry_on", "start_transfer"]
