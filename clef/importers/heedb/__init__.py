"""The importer of the Harvard EEG Database (HEEDB)."""
