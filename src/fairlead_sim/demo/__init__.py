"""The demonstration: a fictional company's fleet, its server, and a story that must come true.

`make demo` runs `python -m fairlead_sim.demo`. Northwind Trackers does not exist; its carriers,
SIMs and devices are simulated, the server, its PostgreSQL, its NATS and the MQTT between them are
not. docs/demo.md tells the story and says what it does not prove.
"""
