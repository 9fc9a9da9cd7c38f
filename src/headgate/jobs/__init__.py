"""The loops behind the product: ingest, compaction, retention; each under a lease."""
