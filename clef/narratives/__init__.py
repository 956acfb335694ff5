"""Narratives: texts on stretches of EEG, what they state, and the model that writes them."""
