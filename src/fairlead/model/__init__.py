"""What exists: frozen values, typed ids, invariants, the expression tree. No IO, no clock."""
