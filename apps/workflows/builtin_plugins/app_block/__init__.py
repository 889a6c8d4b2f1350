"""The blocks that pages of Apps are made of."""
