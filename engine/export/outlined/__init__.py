"""Outlines for other programs: masks, probabilities and polygons, on the map and in pixels."""
