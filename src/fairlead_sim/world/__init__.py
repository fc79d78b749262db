"""The radio world: countries, networks, carriers, SIMs, devices with slots, and what goes wrong between them."""
