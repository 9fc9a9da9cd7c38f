"""Is the installation as it is written down? One module per kind of document, one for the whole."""
