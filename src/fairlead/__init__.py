"""Fairlead: the open control plane for global IoT fleets.

The rooms, lowest first: `model` and `wire` (what exists, how bytes read), `policy`, `plan` and
`insight` (pure decisions), `engine` (acts and waits), `edge`, `connectors`, `store`, `bus` and
`embedded` (touch the world), `wiring` (knows everything). docs/architecture.md has the plan.
"""
