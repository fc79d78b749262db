"""What Super SIM and Programmable Wireless share: one family of interfaces, at KORE today and at Twilio before.

No connector stands in here. `connectors/supersim` and `connectors/programmable_wireless` do, each for
accounts of three kinds: `kore` (tokens by OAuth 2), `kore-basic` and `twilio` (both HTTP Basic).
"""
