"""The program `python -m clef.importers.bids`: the importer of an EEG-BIDS tree."""

from clef.importers.bids.importer import BidsImport, main
from tokenizer.base.cli import program

if __name__ == "__main__":
    program(BidsImport, main, "clef.importers.bids")
