"""What the data sets call things, and what this program calls them: one table.

A category here is the word of :mod:`engine.scenes.scene` where the synthetic world has the thing; so a model learns one
word for it, whichever data set a row comes from. The sensor is not part of it: OptSAR-RSVG's "sar ship" is the category
"ship" of a row whose sensor is SAR.

Sources: the sixteen names of OptSAR-RSVG as its release spells them (``configs/optsar_rsvg.yaml`` of
https://github.com/JunDong-dev/OptiSAR-Net-PlusPlus; the paper names them in section IV), the twenty of DIOR (Li et al.
2020, on which DIOR-RSVG and RRSIS-D are built), the fourteen of OPT-RSVG (Li et al. 2024).
"""

from __future__ import annotations

import re
from typing import Literal

OPTSAR_CATEGORIES: tuple[tuple[Literal["optical", "sar"], str], ...] = (
    ("optical", "vehicle"),
    ("optical", "bridge"),
    ("optical", "crossroad"),
    ("optical", "T junction"),
    ("optical", "ground track field"),
    ("optical", "baseball diamond"),
    ("optical", "swimming pool"),
    ("optical", "tennis court"),
    ("optical", "parking lot"),
    ("optical", "basketball court"),
    ("optical", "storage tank"),
    ("optical", "ship"),
    ("optical", "airplane"),
    ("optical", "harbor"),
    ("sar", "transmission tower"),
    ("sar", "ship"),
)
"""Sensor and category of OptSAR-RSVG's classes, in the order of the release (class 0 first)."""

_DIOR_ONLY = (
    "airport",
    "chimney",
    "dam",
    "expressway service area",
    "expressway toll station",
    "golf course",
    "overpass",
    "stadium",
    "train station",
    "windmill",
)

# Other words for the same, as letters only.
_ALIASES = {
    "plane": "airplane",
    "aeroplane": "airplane",
    "aircraft": "airplane",
    "baseballfield": "baseball diamond",
    "crossroads": "crossroad",
    "groundtrack": "ground track field",
    "golffield": "golf course",
    "harbour": "harbor",
    "oiltank": "storage tank",
    "tank": "storage tank",
    "tower": "transmission tower",
    "powertower": "transmission tower",
}

_PREFIX = re.compile(r"^\s*(optical|opt|sar)[\s_\-]+", re.IGNORECASE)


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


_KNOWN = {_letters(name): name for name in (*(category for _, category in OPTSAR_CATEGORIES), *_DIOR_ONLY)} | _ALIASES


def category_of(name: str) -> str:
    """The category that ``name`` stands for, whatever its case, spaces, hyphens, sensor prefix or plural s.

    A name that is in no table is returned in lower case with single spaces: other data sets have other things.
    """
    bare = _PREFIX.sub("", name)
    letters = _letters(bare)
    known = _KNOWN.get(letters) or _KNOWN.get(letters.removesuffix("s"))
    return known or " ".join(re.split(r"[\s_\-]+", bare.strip())).lower()


def optsar_category(name: str) -> tuple[Literal["optical", "sar"], str] | None:
    """Sensor and category of one of OptSAR-RSVG's sixteen classes, or None where ``name`` is none of them."""
    prefix = _PREFIX.match(name)
    if prefix is None:
        return None
    sensor: Literal["optical", "sar"] = "sar" if prefix.group(1).lower() == "sar" else "optical"
    found = (sensor, category_of(name))
    return found if found in OPTSAR_CATEGORIES else None


def optsar_name(sensor: str, category: str) -> str:
    """The release's spelling of a class: ``optical T junction``."""
    return f"{sensor} {category}"
