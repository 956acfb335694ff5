"""Texts about EEG, held against texts: word by word, by meaning, and fact by fact."""
