"""Import of an EEG-BIDS tree: a site of a cohort folder."""

from clef.importers.bids.importer import BidsImport, main
from tokenizer.base.cli import program

if __name__ == "__main__":
    program(BidsImport, main, "clef.importers.bids")
