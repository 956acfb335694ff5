"""What programs of the benchmark print: tables and lines of text."""
