"""The verdict of a run in words: rules, what they look at, and the sentences they give."""
