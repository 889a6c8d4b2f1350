"""Scripts and commands in a process of their own."""
