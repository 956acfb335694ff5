"""Search in words and zero-shot questions: sessions by the findings of their reports, without a trained classifier."""
