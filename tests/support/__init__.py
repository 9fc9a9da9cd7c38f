"""Real peers and inputs that several test folders share."""
