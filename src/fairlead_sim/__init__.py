"""A simulated world of devices, cards, networks and carriers: honest peers that share only `fairlead.wire`."""
