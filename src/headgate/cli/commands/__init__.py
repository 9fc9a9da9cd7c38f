"""The commands, one module per group; each has `add(app)`."""
