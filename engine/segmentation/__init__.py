"""LGCE: an expression to a mask, over optical, SAR or both pictures of an area. One paper, one room.

The paper is RRSIS: Referring Remote Sensing Image Segmentation (Yuan et al.); its baseline is LAVT, of whose published
code nothing is used here. Swin's stages are timm's, BERT is transformers'. ``engine/DESIGN.md`` tells the network block
by block, and how it is trained, calibrated and judged. Here, in the order of reading:

- the network: ``config`` (every number), ``network`` (what goes in and out), ``model`` (the forward pass), its parts in
  ``swin`` (the stages), ``sensors`` (optical and SAR made one), ``pwam`` (where words meet cells), ``enhancement``
  (LGCE itself) and ``decoder``; ``build`` (from a configuration), ``counts`` (beside the paper's Table IV); ``words``
  (texts as vectors, by an encoder that is frozen or learns);
- its use: ``predictor`` (the only door for arrays, one area at a time; windows, masks and polygons are made in
  ``engine.jobs`` and ``engine.raster``), ``reasons`` (why, as maps: a layer for each word);
- what it learns from: ``data`` (referring sets, visits and their order), ``augment`` and ``moving`` (what is done to an
  area, its masks and sentences);
- its training: ``losses``, ``task`` (for ``engine.training``), ``recipe`` (every number of a run, from TOML),
  ``materials`` (what runs share), ``run`` (from recipe to model folder), ``trainer`` (what ``rsqa train`` asks of it),
  ``published`` (the paper's figures);
- its judging: ``scoring`` (a set put to a network) and ``scored`` (what it said, as counts of pixels), ``evaluation``
  (figures), ``calibration`` (what margins mean, and where masks are drawn), ``guess`` (the bar to clear), ``report``
  (for people).
"""
