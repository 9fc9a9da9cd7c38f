"""What does the reference of an API show? Values for pages, from parts of a document."""
