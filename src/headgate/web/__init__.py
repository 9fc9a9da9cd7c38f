"""The web process: the REST API, the nodes' API, and the pages about them."""
