"""What a recording shows, measured from the signal alone: statements with their places, numbers and sentences."""
