"""Boxes as annotations have them: xywh or xyxy, and what makes one useless."""

from __future__ import annotations

Xyxy = tuple[float, float, float, float]

_SLACK_PX = 1e-3  # boxes computed from fractions of the image may end a rounding error beyond it


def xyxy(box_xywh_px: tuple[float, float, float, float]) -> Xyxy:
    """Left, top, width, height as left, top, right, bottom."""
    left, top, width, height = box_xywh_px
    return left, top, left + width, top + height


def box_fault(box_xyxy_px: Xyxy, width: int | None, height: int | None) -> str | None:
    """What is wrong with a box (a sentence), or None. An image's size that is None is not known and not checked."""
    left, top, right, bottom = box_xyxy_px
    if not (right > left and bottom > top):
        return f"The box {_told(box_xyxy_px)} has no area."
    beyond = (width is not None and right > width + _SLACK_PX) or (height is not None and bottom > height + _SLACK_PX)
    if beyond or left < -_SLACK_PX or top < -_SLACK_PX:
        size = "" if width is None or height is None else f" of {width} x {height} pixels"
        return f"The box {_told(box_xyxy_px)} leaves the image{size}."
    return None


def _told(box_xyxy_px: Xyxy) -> str:
    return ", ".join(f"{number:g}" for number in box_xyxy_px)
