"""Carriers as real HTTP servers over the simulated world: each speaks its vendor's contract and keeps its state."""
