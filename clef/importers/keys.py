"""Keys: the secrets that turn the names of people into numbers, kept beside a cohort and never in it.

    COHORT.keys/SITE.key          64 hexadecimal digits; whoever has it can tell who is who by trying names
    COHORT/metadata/keys.json     which key made the numbers of a site, by a fingerprint that gives nothing away

A name is a short secret: hashed without a key, ten million record numbers are tried in half a minute. With the key of
its site a person gets the same number in every import. `key=none` hashes without: for archives whose names are
pseudonyms already, where others who import the same archive shall get the same numbers.
"""

import hashlib
import hmac
import json
import logging
import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path

from tokenizer.base.files import write_aside, write_json

log = logging.getLogger(__name__)

FORMAT = 1
AUTO, NONE = "auto", "none"
DIGITS = 64


class Key:
    """The key of a site, or none.

    secret: 32 bytes, or None · path: where it is kept · new: it was drawn just now and is not written yet
    """

    def __init__(self, secret: bytes | None, path: Path | None = None, new: bool = False):
        self.secret, self.path, self.new = secret, path, new

    @property
    def fingerprint(self) -> str:
        """A name for the key that gives nothing away: 16 hex digits, or "none"."""
        return self.digest("fingerprint of a key")[:16] if self.secret else NONE

    def digest(self, text: str) -> str:
        """64 hex digits (HMAC-SHA-256) of a text under the key."""
        assert self.secret
        return hmac.new(self.secret, text.encode(), hashlib.sha256).hexdigest()

    def write(self) -> None:
        """Write a key that was drawn just now, for its owner alone."""
        if self.secret is None or self.path is None or not self.new:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with write_aside(self.path) as aside:
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(self.secret.hex() + "\n")
        self.new = False
        log.info("wrote the key of the site, %s: keep it, and keep it to yourself (docs/privacy.md)", self.path)


def open_key(setting: str, out: Path, owner: str, unkeyed: bool = False) -> Key:
    """The key that gives the people of `owner` (a site, or the archive that named them) their numbers in cohort `out`.

    `unkeyed`: the cohort has people of this owner, if it does not say which key made their numbers.

    `setting` is a file, "auto" (`OUT.keys/OWNER.key`, drawn if it is not there) or "none". Raises ValueError (one line)
    if the file is no key or lies in the cohort, or if the cohort has numbers of this owner made with another key.
    """
    before = read_fingerprints(out).get(owner, NONE if unkeyed else None)
    path = None if setting == NONE else _path(setting, out, owner)
    if path is None:
        key = Key(None)
    elif path.is_file():
        key = Key(_read(path), path)
    elif before not in (None, NONE):
        raise ValueError(
            f"{path}: the key of {owner} is not there, and cohort {out} was made with it; give key=FILE where you keep "
            f"it (without it: import everything into a new folder, and train again)"
        )
    else:
        key = Key(secrets.token_bytes(32), path, new=True)
    _check_same(key, before, out, owner)
    return key


def _path(setting: str, out: Path, owner: str) -> Path:
    path = (
        out.absolute().with_name(f"{out.absolute().name}.keys") / f"{owner}.key" if setting == AUTO else Path(setting)
    )
    if path.resolve().is_relative_to(out.resolve()):
        raise ValueError(f"key={setting}: lies in the cohort, which may be handed on; keep the key somewhere else")
    return path


def _read(path: Path) -> bytes:
    try:
        text = path.read_text(encoding="ascii").strip()
    except UnicodeDecodeError:
        text = ""
    if not re.fullmatch(rf"[0-9a-fA-F]{{{DIGITS}}}", text):
        raise ValueError(
            f"{path}: not a key; expected {DIGITS} hexadecimal digits, as an importer writes them, or "
            f"`openssl rand -hex {DIGITS // 2}`"
        )
    return bytes.fromhex(text)


def _check_same(key: Key, before: str | None, out: Path, owner: str) -> None:
    """Raise ValueError if the cohort's numbers for this owner come from another key, or from none."""
    if before is None or before == key.fingerprint:
        return
    if before == NONE:
        raise ValueError(
            f"cohort {out} has numbers of people of {owner} that were made without a key; give key=none to stay with "
            f"them, or import every site into a new folder to get safe ones (stores made before do not fit those)"
        )
    raise ValueError(
        f"cohort {out} was made with another key for {owner} (fingerprint {before}, not {key.fingerprint}): people "
        f"would get other numbers; give key=FILE of that key, or import into a new folder"
    )


# ---- which key a cohort was made with
def _file(out: Path) -> Path:
    return out / "metadata" / "keys.json"


def read_fingerprints(out: Path) -> dict[str, str]:
    """Owner of names -> fingerprint of its key, "none" if there was none; empty for an older cohort."""
    path = _file(out)
    if not path.is_file():
        return {}
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        owners = stored["owners"]
        if stored["format"] != FORMAT or not all(isinstance(text, str) for text in owners.values()):
            raise TypeError
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ValueError(
            f"{path}: damaged; expected format {FORMAT} and the fingerprint of each site's key; restore it, or import "
            f"into a new folder"
        ) from None
    return owners


def write_fingerprint(out: Path, owner: str, key: Key, older: Iterable[str] = ()) -> None:
    """Note which key made the numbers of `owner`; `older` are owners of whom nothing is noted: they had none."""
    noted = dict.fromkeys(older, NONE) | read_fingerprints(out) | {owner: key.fingerprint}
    write_json(_file(out), {"format": FORMAT, "owners": dict(sorted(noted.items()))})
