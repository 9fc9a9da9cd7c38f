"""Which Python package calls an API? Typed, generated from its document, one module per tag."""
