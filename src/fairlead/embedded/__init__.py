"""The engines we bring along: PostgreSQL and NATS as child processes, adopted after a crash."""
