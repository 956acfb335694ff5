"""The program `python -m clef.importers.heedb`: the importer of the Harvard EEG Database."""

from clef.importers.heedb.importer import HEEDBImport, main
from tokenizer.base.cli import program

if __name__ == "__main__":
    program(HEEDBImport, main, "clef.importers.heedb")
