"""Devices that speak MQTT: who may connect, and what they say on their shadow topics."""
