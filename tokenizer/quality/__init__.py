"""Measures of a recording's quality, channel by channel: of the samples as recorded, of the filtered session."""
