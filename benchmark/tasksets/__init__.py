"""Tasks from a cohort: suites of questions, labels, matched controls."""
