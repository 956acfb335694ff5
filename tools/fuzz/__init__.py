"""The fuzzer of the reader: damage to recordings, and whether it is noticed."""
