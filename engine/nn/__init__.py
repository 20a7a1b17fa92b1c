"""What the networks share: pixels to their square, Transformer blocks, image and text encoders, weights on disk.

``preprocess`` makes the square of pixels as read, in training as in use (no torch). ``blocks`` (masked attention and
its layers); ``csp`` (convolutional blocks of detectors); ``vision`` (the small image encoder) and ``text`` with
``minilm`` (the frozen text encoder) of the compact presets; ``clip`` with ``clip_sources`` (both towers of the paper
presets, and where their weights come from); ``bert`` (BERT-base, or MiniLM where it is trained);
``published_weights`` with ``swin_weights`` (what others published for a network to start from); ``frozen`` and ``lora``
(towers that are used as they are, or tuned by low-rank factors); ``embeddings`` with ``mobileclip`` (one vector for a
text, for grounding); ``kept`` (what encoders make of texts, on disk); ``weights`` (safetensors beside a
card). ``clip``, ``mobileclip``, ``lora`` and ``bert`` are imported only where a network has them.
"""
