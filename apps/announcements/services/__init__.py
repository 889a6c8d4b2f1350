"""Writes of announcements and news."""
