"""The searched area as each sensor shows it, with the boxes drawn in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import ImageDraw, ImageFont

from engine.export.regions import KeyRegion
from engine.export.views import COLOURS, View, draw_regions, to_image
from engine.records import Finding

MOST_LABELS = 40
"""With more boxes, labels would hide the picture."""

COLOUR_OF = {"optical": "optical", "sar": "sar", "both": "fusion"}
"""Where a thing was found -> whose colour it has; what both saw is confirmed, and has fusion's."""


def drawn(view: View, finding: Finding) -> View:
    """``view`` with the boxes that its sensor shows, each in the colour of where it was found, with label and score."""
    picture, area = to_image(view), finding.area.window.box
    # The best last, so that nothing covers it.
    shown = [found for found in reversed(finding.boxes) if found.sensor in (view.sensor, "both")]
    regions = [KeyRegion(found.label, COLOUR_OF[found.sensor], found.box, found.score) for found in shown]
    draw_regions(picture, regions, area)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(15)
    for found in shown[-MOST_LABELS:]:
        x = (found.box.x0 - area.x0) * picture.width / area.width
        y = (found.box.y0 - area.y0) * picture.height / area.height
        said = f"{found.label} {found.score:.2f}"
        left = min(x, picture.width - font.getlength(said) - 8)
        top = y - 20 if y >= 20 else y + 2
        draw.rectangle((left, top, left + font.getlength(said) + 8, top + 18), fill="#1E2126")
        draw.rectangle((left, top, left + 3, top + 18), fill=COLOURS[COLOUR_OF[found.sensor]])
        draw.text((left + 6, top + 9), said, font=font, fill="#FFFFFF", anchor="lm")
    return replace(view, rgba=np.asarray(picture.convert("RGBA")))
