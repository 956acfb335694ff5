"""What a tokenizer's codes keep of a recording."""
