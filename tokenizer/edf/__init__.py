"""EDF and BDF from both sides: reading, writing, and copies without what points to a person."""
