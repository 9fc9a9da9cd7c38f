"""Every request, recorded once: from log lines to columns, sums and named queries."""
