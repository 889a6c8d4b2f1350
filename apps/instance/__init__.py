"""The installation itself: set-up and tenants with their first Admin."""
