"""Who did what, when; plain ids only, so entries outlive what they name."""
