"""OptiSAR-Net++: text to boxes, on optical and on SAR pictures. One paper, one room.

The paper is OptiSAR-Net++: A Large-Scale Benchmark and Transformer-Free Framework for Cross-Domain Remote Sensing
Visual Grounding. Everything is written from it and from public facts; no code of a detector framework is used.
``engine/DESIGN.md`` tells the network block by block, and how it is trained, calibrated and judged. Here, in the order
of reading:

- the network: ``config`` (every number), ``network`` (what goes in and out), ``model`` (the forward pass), its parts in
  ``backbone``, ``plmoe``, ``neck``, ``tgdf`` and ``heads``; ``build`` (from a configuration), ``counts`` (parameters
  beside the paper's); convolutional blocks are ``engine.nn.csp``'s, texts become vectors in ``engine.nn.embeddings``;
- its use: ``predictor`` (the only door for arrays), ``picking`` (from cells to boxes, the same in use, validation and
  evaluation), ``reasons`` (why, as maps), ``reconcile`` (both sensors' boxes as one list); for large areas ``windows``,
  ``seams``, ``touching`` (many boxes compared with many) and ``deciding`` (what position, size and relation name among
  all that was found);
- what it learns from: ``data`` (expression sets), ``visit`` (one look at a picture), ``augment`` and ``moving`` (what
  is done to picture and sentences), ``slots`` (the texts of a picture, negatives among them; whether one is true of a
  box says ``engine.text.meaning``);
- its training: ``assigner`` and ``losses``, ``task`` (for ``engine.training``), ``recipe`` (every number of a run, from
  TOML), ``materials`` (what runs share), ``run`` (from recipe to model folder), ``trainer`` (what ``rsqa train`` asks
  of it), ``published`` (the paper's figures);
- its judging: ``scoring`` (a set put to a network) and ``scored`` (what it said), ``evaluation`` (figures),
  ``calibration`` (what scores mean), ``guess`` (the bar to clear), ``report`` (for people); ``rivals`` has Grounding
  DINO.
"""
