"""What the world is like: data files with source and date, and their loader."""
