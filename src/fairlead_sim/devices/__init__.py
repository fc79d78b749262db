"""Simulated devices: modems in the radio world, real MQTT 3.1.1 clients of whatever broker they are given."""
