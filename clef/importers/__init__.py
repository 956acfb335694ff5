"""Importers: an archive in, a cohort folder out."""
