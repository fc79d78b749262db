"""What we keep: PostgreSQL, with SQL as text."""
