"""Web pages from their templates. No raster library is imported here, as training writes its reports through it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import jinja2


@cache
def page_template(name: str, **filters: Callable[..., str]) -> jinja2.Template:
    """The page ``name`` of ``engine/export/templates`` with autoescaping: a question is text whatever it contains.

    ``filters`` are functions that the page uses by their names.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("engine.export"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters)
    return environment.get_template(name)
