"""emnify: one workspace per connector; a SIM and the endpoint it is assigned to are two things."""
