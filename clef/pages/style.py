"""The look of the pages that are drawn for people: one style, one set of colours."""

STYLE = {"font.size": 8.5, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#888888"}
SIDES = ("#0072B2", "#D55E00")
"""Left and right hemisphere."""
NOTHING = "#dddddd"
"""Where there is no signal."""
APART_DB = 4.0
"""dB at the ends of the colours of a difference."""
