"""Import of the Harvard EEG Database (HEEDB), or of a part of it: sites of a cohort folder."""

from clef.importers.heedb.importer import HEEDBImport, main
from tokenizer.base.cli import program

if __name__ == "__main__":
    program(HEEDBImport, main, "clef.importers.heedb")
