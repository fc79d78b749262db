"""Monogoto: one customer per connector. Built on pages and on programs of others, so it is experimental."""
