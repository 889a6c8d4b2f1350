"""The {{ … }} expression language (Pebble dialect): pure, knows nothing of flows. Its one door is `environment`."""
