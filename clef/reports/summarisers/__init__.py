"""Summarisers of clinical EEG reports: rules, language models on this machine and on a server, and what checks them."""

from clef.reports.summarisers.table import (
    SUMMARISERS,
    Summariser,
    open_model,
    report_summaries,
    summarise,
    summariser_fingerprint,
)

__all__ = ["SUMMARISERS", "Summariser", "open_model", "report_summaries", "summarise", "summariser_fingerprint"]
