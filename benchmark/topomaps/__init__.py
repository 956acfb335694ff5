"""Maps of band power over the head, found by ten seconds of EEG as a tokenizer keeps them, and the other way round."""
