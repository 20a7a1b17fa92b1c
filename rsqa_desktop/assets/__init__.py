"""The only finder of icons: everything else asks for one by name and never for a path of its own making."""

from importlib.resources import files


def icon_path(name: str) -> str:
    """The file of an icon, with forward slashes as Qt's style sheets want them. Raises ``FileNotFoundError``."""
    path = files(__package__) / f"{name}.svg"
    if not path.is_file():
        raise FileNotFoundError(f"There is no icon “{name}”.")
    return str(path).replace("\\", "/")
