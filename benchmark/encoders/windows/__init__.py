"""Encoders of short windows: any frozen model slid over whole sessions, its windows pooled into one vector each."""

from benchmark.encoders.windows.window_model import WindowModel

__all__ = ["WindowModel"]
