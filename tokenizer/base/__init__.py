"""Plumbing that all rooms share: command lines, files, progress, processes, model folders."""
