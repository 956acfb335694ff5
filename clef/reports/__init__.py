"""Clinical EEG reports: what the tracing showed, as summaries and as findings."""

from clef.reports.findings import Finding, findings

__all__ = ["Finding", "findings"]
