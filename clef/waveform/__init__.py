"""Sessions as windows of their waveform: montages, rates and units, as networks of short windows take them."""
