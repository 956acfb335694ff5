"""What tools.bundle puts beside the weights of clef-open: facts, record and card; and whether all of it may ship."""
