"""The benchmark held against planted truth: a cohort without recordings, simulated tasks, and judgements."""
