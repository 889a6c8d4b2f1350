"""What people write in an App's YAML, and what must stand in it. No Django, no clock, no network."""
