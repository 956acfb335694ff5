"""Recording files of every format: opened, checked, filtered and cut into sessions."""
