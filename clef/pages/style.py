"""The look of the pages that are drawn for people: one style, one set of colours, pictures that lie inside a page."""

import base64
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import matplotlib.figure

STYLE = {"font.size": 8.5, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#888888"}
SIDES = ("#0072B2", "#D55E00")
"""Left and right hemisphere."""
NOTHING = "#dddddd"
"""Where there is no signal."""
APART_DB = 4.0
"""dB at the ends of the colours of a difference."""
LEVELS = "viridis"
"""Colours of dB; they grow lighter evenly, also for eyes that do not tell red from green."""
DPI = 110
QUALITY = 82
"""Of WebP pictures in a page: a spectrogram takes a sixth of its PNG, its labels stay sharp."""


def picture(figure: "matplotlib.figure.Figure") -> str:
    """A figure as a data URI (WebP), closed afterwards."""
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    figure.savefig(buffer, format="webp", dpi=DPI, pil_kwargs={"quality": QUALITY})
    plt.close(figure)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
