"""The authorization server's endpoints: OAuth 2.0 for the applications of consumers."""
