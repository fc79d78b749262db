"""What we carry: NATS subjects and nudges."""
