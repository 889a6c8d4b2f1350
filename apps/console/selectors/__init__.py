"""What the pages around the apps read."""
