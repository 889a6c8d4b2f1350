"""Groups, roles and bindings; what a person may do in a tenant."""
