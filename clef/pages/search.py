"""The page of a search: how the query was read, the sessions it finds with a spectrogram of each, and reports.

The spectrograms are decoded from tokens: no recording is opened, and what tokens do not keep is not seen.
"""

import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray

import clef
from clef.pages.regions import region_means
from clef.pages.view import template
from tokenizer.cells import Array
from tokenizer.store import TokenStore
from tokenizer.vqgan import VQGAN


@dataclasses.dataclass
class Hit:
    """A session that was found.

    facts: what the cohort knows of the person, name and value · picture: a data URI, or "" without tokens
    """

    session: str
    cosine: float
    remark: str = ""
    facts: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    picture: str = ""


@dataclasses.dataclass
class ReportHit:
    """A report that was found, by its session; text: what it says."""

    session: str
    cosine: float
    remark: str
    text: str


@dataclasses.dataclass
class Search:
    """What the page says.

    asked: the query, or the session · reading: how it was read · pool: how many sessions were searched, in words
    """

    asked: str
    reading: str
    pool: str
    hits: list[Hit]
    reports: list[ReportHit] | None = None
    model: str = ""
    synthetic: bool = False


@torch.inference_mode()
def decoded(vqgan: VQGAN, store: TokenStore, row: int) -> Array:
    """The spectrogram of a store's row by region, (G, F, T) dB, NaN where invalid; as long as its valid columns."""
    counted = store.valid[row : row + 1][0] >= 0.5
    columns = int(np.flatnonzero(counted)[-1]) + 1 if counted.any() else 1
    frames = counted[:columns].repeat(vqgan.config.frames_per_token)
    tokens = torch.from_numpy(store.tokens[row : row + 1][:, :, :columns].astype(np.int64))
    device = vqgan.mean_db.device
    level = torch.from_numpy(store.level[row : row + 1])
    spec = vqgan.decode(tokens.to(device), torch.from_numpy(frames)[None].to(device), level.to(device))[0]
    spec = spec.float().cpu().numpy()
    return region_means(spec, frames, store.channel_ok[row : row + 1][0])


def pictures(vqgan: VQGAN, store: TokenStore, sessions: list[str]) -> dict[str, str]:
    """A picture of each session that the store holds, as a data URI."""
    from clef.pages.spectrograms import draw_rows

    wanted = set(sessions)
    rows: NDArray[np.int64] = np.flatnonzero([name in wanted for name in store.session_id])
    return {str(store.session_id[row]): draw_rows(decoded(vqgan, store, int(row))) for row in rows}


def search_page(search: Search) -> str:
    """The whole page as HTML that loads nothing."""
    return template("search.html.jinja").render(search=search, version=clef.__version__)
