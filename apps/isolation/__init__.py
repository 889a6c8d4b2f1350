"""Which storage and which secret backend a tenant or namespace uses."""
