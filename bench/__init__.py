"""Measurements against the budgets; `python -m bench` runs them all."""
