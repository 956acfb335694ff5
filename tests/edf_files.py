"""The EDF files that tests read; the tools make them too."""

from tools.edf_files import LABELS, eeg, write_edf

__all__ = ["LABELS", "eeg", "write_edf"]
