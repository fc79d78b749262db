"""KORE Programmable Wireless (before: Twilio Programmable Wireless): one account per connector."""
