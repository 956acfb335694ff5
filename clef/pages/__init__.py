"""Pages that are drawn for people, in one style."""
