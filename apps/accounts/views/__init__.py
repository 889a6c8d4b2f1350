"""Pages of signing in: password, second factor, forgotten password; and the way out."""
