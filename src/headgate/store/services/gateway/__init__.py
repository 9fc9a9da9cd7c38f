"""What do gateways serve, on which nodes, and within which policies and shares?"""
