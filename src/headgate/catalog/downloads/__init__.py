"""Which files does the reference of an API offer? One module per format, all of them pure."""
