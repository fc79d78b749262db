"""Whom we call: one folder a carrier, SM-DP+ or sink."""
