"""People and service accounts, their API tokens and sessions."""
