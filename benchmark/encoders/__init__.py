"""Encoders: anything that turns sessions into vectors. The protocol, the table of encoders, one file per encoder."""
