"""How does a snapshot become a running gateway? Policies, routing, Envoy, the access table."""
