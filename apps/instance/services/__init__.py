"""Writes of the installation: tenants, worker groups, set-up, and the chores that walk over tenants."""
