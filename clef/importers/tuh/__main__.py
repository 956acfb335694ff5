"""The program `python -m clef.importers.tuh`: the importer of a TUH corpus."""

from clef.importers.tuh.importer import TUHImport, main
from tokenizer.base.cli import program

if __name__ == "__main__":
    program(TUHImport, main, "clef.importers.tuh")
