"""What LGCE learns from, and is asked: areas seen by both sensors, expressions, and the pixels that these name.

``referring_set`` is one split; ``scenes`` with ``scene_truth`` render one, ``folders`` reads one from a published data
set; ``mask_bits`` is how masks are kept. ``drawing`` says which expressions a training step gets, and ``visits`` is one
area with some of them, as ``engine.segmentation.augment`` takes it.
"""
