"""Narrators: what reads a session encoder's states, and what writes from them: a decoder or a language model."""
