"""Telnyx IoT SIM: one account (organisation) per connector."""
