"""KORE Super SIM (before: Twilio Super SIM): one account per connector."""
