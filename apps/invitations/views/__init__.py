"""Pages of invitations: the list of those who invite, and what the invited see."""
