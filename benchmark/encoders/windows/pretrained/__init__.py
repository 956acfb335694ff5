"""Published models of braindecode, by name: LaBraM, BIOT, CBraMod, EEGPT, BENDR and REVE, a file each."""
