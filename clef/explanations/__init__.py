"""Explanations: which seconds, frequencies and electrodes carry a number that a model gives of a session.

A target is such a number (`targets`), of a probe (`probes`) or of a prompt. `gradients` and `occlusion` give a share of
it to every cell of the spectrogram, every token and every electrode, `summaries` adds these up, `deletion` asks how
faithful they are. docs/explanations.md has the formulas.
"""
