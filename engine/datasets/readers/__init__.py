"""One file per published layout; each has ``LAYOUT``, ``FIGURES``, ``recognise`` and ``read``, and names its source."""
