"""Tenants: one PostgreSQL schema each, and how one is entered."""
