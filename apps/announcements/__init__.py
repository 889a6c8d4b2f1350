"""What everybody, a tenant or a group is told on top of every page; and news of the sidebar."""
