"""A network that reads trials: pieces of EEG cut out around pictures, which it names and places among captions."""
