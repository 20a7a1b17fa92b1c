"""TGFNet, visual question answering on optical/SAR pairs: one paper, one room.

To read the network: ``config`` (every number), ``model`` (its forward pass), ``cfar`` and ``amef`` (its blocks),
``build`` (assembly), ``loss``. To use it: ``preprocess`` (pixels to the network's square) and ``predictor`` (the only
door for arrays). To train it: ``recipe`` and ``run`` (from a TOML file to a model folder), ``scene_data`` (rendered
sets), ``patch_truth`` and ``dense_loss`` (what the scene's own map teaches), ``augment``, ``task`` (batches for
``engine.training``). To judge it: ``evaluation``, ``guess``, ``report``.
"""
