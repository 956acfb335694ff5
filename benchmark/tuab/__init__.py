"""The Temple University abnormal EEG corpus (TUAB) as others report it: its own split, units and probes."""
