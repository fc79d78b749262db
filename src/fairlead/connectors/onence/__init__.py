"""1NCE: one account per connector, in either version of its interface."""
