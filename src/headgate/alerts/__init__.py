"""Who is to be told of what, and how is it said? Pure rules; `jobs/` sends."""
