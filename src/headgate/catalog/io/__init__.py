"""The catalog's hands: documents from folders and from the network. Only the shell imports it."""
