"""Networks that read the waveform of a short window, as other people's models do: rivals, trained and probed alike."""
