"""Hidden parts of a session, filled in by a model, and how close the fill is."""
