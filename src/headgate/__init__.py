"""Headgate: self-hosted API management over one record per request."""

__version__ = "0.1.0"
