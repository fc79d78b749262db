"""The one place that knows everything: builds the rooms and hands them to each other."""
