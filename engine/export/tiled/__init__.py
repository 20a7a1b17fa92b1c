"""A question's map of answers for other programs; :func:`engine.export.tiled.writing.write_tiled_answer` is the door.

Reading order: ``rows`` (one row per tile), ``files`` (GeoJSON, GeoPackage, COG, CSV), ``picture`` and ``report`` (the
page), ``writing`` (all or nothing into one folder).
"""
