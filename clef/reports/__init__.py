"""Clinical EEG reports: summaries of what the tracing showed."""
