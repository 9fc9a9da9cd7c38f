"""Which process asks other servers about their tokens? One beside Envoy, on Unix sockets."""
