"""The importer of EEG-BIDS trees."""
