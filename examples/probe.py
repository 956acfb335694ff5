"""Teach scikit-learn one question from recordings, and try it on people it has not seen.

python examples/probe.py [runs/demo]
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import clef
from clef.tasks import read_tasks
from tokenizer.sessions import read_sessions

demo = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/demo")

# the question with the most people: cases, and controls of the same age, sex, site and setting
tasks, _ = read_tasks(demo / "tasks.parquet")
question = tasks["task"].mode().sort()[0]
people = tasks.filter(tasks["task"] == question).join(read_sessions(demo / "cohort"), on="session_id")
files = np.array([str(demo / "cohort" / path) for path in people["path"]])
is_case, train, test = people["label"].to_numpy(), *((people["split"] == s).to_numpy() for s in ("train", "test"))

# nothing is learned in the first step: the vectors of the pretrained model are taken as they are
probe = make_pipeline(clef.EEGEmbedder(demo / "align"), StandardScaler(), LogisticRegression(C=1e-3))
probe.fit(files[train], is_case[train])
auroc = roc_auc_score(is_case[test], probe.decision_function(files[test]))
print(f"{question}: learned from {train.sum()} recordings, AUROC {auroc:.2f} on {test.sum()} of other people")
