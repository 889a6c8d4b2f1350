"""A person's saved pages and searches, kept with the person in the tenant."""
