"""Onomondo: one organisation per connector. Built on pages and on a reconstruction, so it is experimental."""
