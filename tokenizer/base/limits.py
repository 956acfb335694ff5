"""The limits of a network's settings: types, ranges, and keys, checked before anything of that size is built.

A command line and a `config.json` that somebody sends are checked alike. A network's module states its `LIMITS`, the
least and the largest of each number in its dataclass; they lie far beyond sensible sizes, and below those at which a
machine stands still.
"""

import dataclasses
import math
import typing
from collections.abc import Iterable, Mapping
from typing import Any

Limits = Mapping[str, tuple[float, float]]
SHARE = (0, 0.99)
"""Limits of a share that must be below 1."""


def check_settings(config: Any, limits: Limits, group: str) -> None:
    """Raise ValueError (one line) unless every setting of the dataclass `config` is within its limits.

    `group` is what command lines call it, as in "encoder": encoder.width=0.
    """
    values = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    if wrong := find_wrong(values, type(config), limits):
        name, expected = wrong
        raise ValueError(f"{group}.{name}={values[name]}: expected {expected}")


def find_wrong(values: Mapping[str, Any], schema: type, limits: Limits) -> tuple[str, str] | None:
    """The first of `values` that does not fit the dataclass `schema`, and what was expected; None if all do.

    Fields that `values` lack are not looked at: they stay at their defaults.
    """
    for name, wanted in typing.get_type_hints(schema).items():
        if name in values and (expected := _expected(values[name], wanted, limits.get(name))):
            return name, expected
    return None


def _expected(value: Any, wanted: Any, limits: tuple[float, float] | None) -> str:
    """What a value of the type `wanted` should have been; empty if it is."""
    if typing.get_origin(wanted) is typing.Literal:
        choices = typing.get_args(wanted)
        return "" if value in choices and type(value) is type(choices[0]) else f"one of {', '.join(map(str, choices))}"
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}[wanted]
    fits = type(value) is wanted or (wanted is float and type(value) is int)
    if limits is None:
        return "" if fits else words
    inside = fits and math.isfinite(value) and limits[0] <= value <= limits[1]
    return "" if inside else f"{words} from {limits[0]} to {limits[1]}"


def unknown_key(value: Mapping[str, Any], known: Iterable[str]) -> str:
    """The first key that is not among the `known`; empty if there is none."""
    return min(set(value) - set(known), default="")


def is_whole(value: Any, least: int, most: int) -> bool:
    """Whether a value read from JSON is a whole number in this range; true and 1.0 are none."""
    return type(value) is int and least <= value <= most


def is_texts(value: Any) -> bool:
    """Whether a value read from JSON is a list of texts."""
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
