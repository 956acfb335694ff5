"""Look at a session as the model does: its spectrogram, its tokens, and the spectrogram that the tokens keep.

python examples/picture.py [runs/demo] [recording.edf]     (writes session.png)
"""

import sys
from pathlib import Path

import torch
from matplotlib.figure import Figure

import clef
import tokenizer
from tokenizer.channels import CHANNELS

demo = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/demo")
recording = sys.argv[2] if len(sys.argv) > 2 else min((demo / "cohort" / "recordings").iterdir())

vqgan = clef.load(demo / "align").vqgan
session = tokenizer.read(recording)
known = tokenizer.spectrogram(session)  # (19, 128, 1280) dB: channels, 0 to 32 Hz, seconds
one = tokenizer.tokenise(session, vqgan)
tokens = torch.from_numpy(one.tokens).long()  # (16, 128): 2 Hz x 10 s each
kept = vqgan.decode(tokens[None], level=torch.tensor([one.level]))[0]

seconds, channel = int(session.seconds), CHANNELS.index("O1")
panels = {
    "spectrogram at O1 (dB)": known[channel, :, :seconds],
    "tokens (a colour for each code)": tokens[:, : seconds // 10] * 37 % 101,  # neighbours in colour mean nothing
    "what the tokens keep of it (dB)": kept[channel, :, :seconds],
}
figure = Figure(figsize=(9, 7), layout="constrained")
for axes, (title, values) in zip(figure.subplots(len(panels), sharex=True), panels.items(), strict=True):
    axes.imshow(values, origin="lower", aspect="auto", extent=(0, seconds, 0, 32), interpolation="nearest")
    axes.set(title=title, ylabel="Hz")
axes.set_xlabel("seconds")
figure.savefig("session.png", dpi=120)
print(f"{Path(recording).name}: {session.seconds:.0f} s, {tokens.unique().numel()} different tokens; wrote session.png")
