"""EEG and maps over the head: do ten seconds of EEG find their map among those of other segments, and a map its EEG?

    python -m benchmark.topomaps cohort=COHORT tokenizer=RUN out=DIR [head=false]
    python -m benchmark.topomaps cohort=COHORT encoder=RUN out=DIR

Recordings are cut into segments of ten seconds. With tokenizer= a map is the log power of 19 electrodes in four bands,
asked by what a tokenizer keeps of the segment; means, covariances and a small head are fitted on people of train and
chosen on val. With encoder= it is the pattern of the voltage at the middle sample, asked by a network of waveforms
(stage=topomaps). Segments of test people are asked, a pool per site; a model that saw people of test is refused.
OUT/topomaps.md holds the tables with pools and chance, OUT/topomaps.json the same; segments are kept in OUT/segments,
and the same command goes on where it stopped. Cost: each recording is read once, and with tokenizer= encoded and
decoded, a second or two per 20 minutes on one core; head or network take under a minute for some thousand segments.
"""

import logging

import numpy as np
import polars as pl

from benchmark.topomaps import power, voltage
from benchmark.topomaps.page import Pool, as_markdown, as_plain
from benchmark.topomaps.published import PUBLISHED
from benchmark.topomaps.scoring import draw_pool, score
from benchmark.topomaps.settings import TopomapsConfig, check
from benchmark.topomaps.study import Study
from tokenizer.base.cli import program
from tokenizer.base.files import check_out, write_json, write_text
from tokenizer.sessions import read_sessions

log = logging.getLogger(__name__)


def main(config: TopomapsConfig) -> None:
    """Cut, ask, print, write."""
    check(config)
    check_out(config.out, "folder")
    sessions = read_sessions(config.cohort)
    people = set(sessions.filter(pl.col("split") == "test")["subject_id"])
    study = (voltage if config.encoder else power).study(config, sessions, people)
    pools = [pool_of(site, study, config) for site in np.unique(study.site[study.split == "test"])]
    if not pools:
        raise ValueError(f"cohort={config.cohort}: no segment is of split test; import people of it")
    write_json(config.out / "topomaps.json", as_plain(study, pools))
    text = as_markdown(study, pools)
    write_text(config.out / "topomaps.md", text)
    print(text)
    log.info("wrote %s and topomaps.json; next: docs/retrieval.md says what the rows are", config.out / "topomaps.md")


def pool_of(site: str, study: Study, config: TopomapsConfig) -> Pool:
    """Every way among test people of a site."""
    rows = np.flatnonzero((study.site == site) & (study.split == "test"))
    most = PUBLISHED[site].pool if site in PUBLISHED else config.most
    drawn = draw_pool(rows, most, config.seed)
    people = len(np.unique(study.person[drawn]))
    scored = [score(way, drawn, study.person, config.seed) for way in study.ways]
    return Pool(str(site), len(drawn), len(rows), people, scored)


if __name__ == "__main__":
    program(TopomapsConfig, main, "benchmark.topomaps")
