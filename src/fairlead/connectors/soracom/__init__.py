"""Soracom Air for Cellular: one account (operator) per connector."""
