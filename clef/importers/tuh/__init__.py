"""The importer of the Temple University Hospital (TUH) corpora."""
