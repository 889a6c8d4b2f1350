"""Pages of announcements: what everybody sees, and where they are written."""
