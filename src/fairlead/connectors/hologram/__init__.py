"""Hologram: one organisation per connector. Built on a reconstruction of its interface, so it is experimental."""
