"""What to do: situations to recipes, impact and safety. Pure."""
