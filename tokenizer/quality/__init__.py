"""Measures of a recording's quality, channel by channel."""
