"""Pages that span the apps: home, tenants, settings, the live stream, and the frame around every page."""
