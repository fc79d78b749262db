"""The HTTP door: `/v1/…` for people, programs, the console and the command line (house §10)."""
