"""Pages of who may what in the tenant: people, groups, roles, bindings, service accounts."""
