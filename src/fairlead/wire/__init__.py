"""How bytes read: codecs and state tables of protocols. No IO, no clock, no domain."""
