"""The console: what those who run the programme see and do."""
