"""Trials: pieces of EEG cut out around pictures that were shown, with the category and the caption of each picture."""
