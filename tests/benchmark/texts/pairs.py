"""Ten pairs of a reference and a text, from the same words in another order to nothing in common."""

PAIRS = [
    ("Left temporal slowing.", "Left temporal slowing."),
    ("no seizures. right frontal spikes, diffuse slowing.", "right frontal spikes. no seizures"),
    ("diffuse slowing waves", "diffuse waves slowing"),
    ("normal", "left temporal spikes, right temporal spikes"),
    ("left left left right", "left right left right left"),
    ("left temporal, right temporal and frontal waves", "temporal"),
    ("Diffuse 2.5-3 Hz waves; no spikes", "diffuse 2.5 Hz waves, spikes"),
    ("no spikes , no seizures , no slowing .", "no slowing , no spikes ."),
    ("normal normal", "normal"),
    ("right temporal spikes with diffuse slowing", "left frontal waves without diffuse spikes"),
]
