"""Encoders: everything that turns a session into a vector to be scored."""
