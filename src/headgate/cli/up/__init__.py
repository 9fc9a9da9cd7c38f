"""How is everything run on one machine? A supervisor of web, jobs and node."""
