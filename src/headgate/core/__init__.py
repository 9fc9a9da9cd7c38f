"""Pure ground: identifiers, clock, units, problems, the registry of extensions."""
