"""Every request, recorded once: from log lines to columns, rollups and named queries."""
