"""Ways to ask what a model knows without fitting anything to the question: retrieval and zero-shot."""
