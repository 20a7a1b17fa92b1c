"""Where recipes are: those that ship in ``engine/recipes``, and files of the user's own. Imports no torch."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from engine.errors import UsageError


def recipe_folder() -> Path:
    """The folder of the recipes that ship."""
    return Path(str(files("engine"))) / "recipes"


def recipe_path(name: str, beside: Path | None = None) -> Path:
    """The file of a recipe given as a path, or by its name: ``beside`` is looked through first, then what ships.

    Raises UsageError, naming those that ship.
    """
    places = [folder / f"{name}.toml" for folder in (beside, recipe_folder()) if folder is not None]
    for candidate in (Path(name), *places):
        if candidate.is_file():
            return candidate
    known = ", ".join(sorted(path.stem for path in recipe_folder().glob("*.toml")))
    raise UsageError(f"There is no recipe “{name}”.", remedy=f"Name a TOML file, or one of: {known}.")
