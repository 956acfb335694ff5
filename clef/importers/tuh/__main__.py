"""Import of a corpus of the Temple University Hospital (TUH) EEG project: a site of a cohort folder."""

from clef.importers.tuh.importer import TUHImport, main
from tokenizer.base.cli import program

if __name__ == "__main__":
    program(TUHImport, main, "clef.importers.tuh")
