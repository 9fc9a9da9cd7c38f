"""The vocabulary as frozen values that every layer may exchange."""
