"""How does a snapshot become the files that Envoy reads?"""
