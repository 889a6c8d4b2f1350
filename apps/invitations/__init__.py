"""Inviting people by mail or by a copied link, and joining with what was preset."""
