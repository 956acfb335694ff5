"""What was seen, told from trials of EEG: the category, and the caption among those of other pictures."""
