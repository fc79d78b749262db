"""Who calls us: one folder a listener; none knows another."""
