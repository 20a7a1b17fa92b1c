"""LGCE (Yuan et al., RRSIS: Referring Remote Sensing Image Segmentation): an expression to a mask.

``model`` assembles the network from ``swin``, ``sensors``, ``pwam``, ``enhancement`` and ``decoder``; ``build`` holds the
numbers; ``predictor`` is the only door between arrays and the network.
"""
