"""Findings for other programs: boxes with their scores, on the map and in pixels."""
