"""Ask an archive in words: which sessions look like that, and what do their reports say?

python examples/search.py [runs/demo] ["generalised slowing"]
"""

import sys
from pathlib import Path

import clef
from clef.cohort import Cohort

demo = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/demo")
words = sys.argv[2] if len(sys.argv) > 2 else "generalised slowing"

model = clef.load(demo / "align")
sessions = model.embeddings(demo / "tokens.zarr")  # a vector for each session, under its name
likeness = model.similarity(sessions, [words])[:, 0]  # cosine, -1 to 1

reports = dict(Cohort(demo / "cohort").reports.select("session_id", "text").iter_rows())
print(f"{len(likeness)} sessions, those most like “{words}” first:\n")
for row in likeness.argsort()[::-1][:5]:
    name = sessions.session_id[row]
    last_paragraph = reports.get(name, "no report").split("\n\n")[-1]
    print(f"{likeness[row]:.2f}  {name}  {last_paragraph}")
