"""TGFNet, its ablations and its rivals: visual question answering on optical/SAR pairs. One paper, one room.

``engine/DESIGN.md`` tells the network block by block, and how it is trained, calibrated and judged. Here, in the order
of reading:

- the network: ``config`` (every number), ``network`` (what all of them are), ``model`` (TGFNet's forward pass) with its
  blocks in ``cfar`` and ``amef``, ``single`` (one head: ablations and fusions), ``rivals`` (Table III), ``build`` (by
  name);
- its use: ``predictor`` (the only door for arrays; ``engine.nn.preprocess`` makes the network's square of pixels),
  ``calibration`` (confidence and answer sets), ``reasons`` (why, as maps);
- what it learns from: ``data`` (question sets, weathers, kept tokens, draws), ``augment``, ``patch_truth`` and
  ``dense_loss`` (what a scene's own map teaches);
- its training: ``recipe`` (every number of a run, from TOML), ``task`` (for ``engine.training``),
  ``tuning`` (encoders free, frozen or low-rank), ``materials`` (what runs share), ``run`` (from recipe to model
  folder), ``trainer`` (what ``rsqa train`` asks of it), ``published`` (the paper's figures);
- its judging: ``scored`` and ``evaluation`` (figures), ``guess`` (the bar to clear), ``report`` (for people).
"""
