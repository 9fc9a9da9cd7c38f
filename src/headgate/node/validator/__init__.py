"""Which process says whether calls fit their contracts? One beside Envoy, on Unix sockets."""
