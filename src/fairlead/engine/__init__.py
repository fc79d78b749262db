"""Doing it: the loop that observes, resolves, admits, dispatches, verifies and rolls back."""
