"""JSON of the API, in and out."""
