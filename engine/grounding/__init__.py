"""OptiSAR-Net++: text to boxes, on optical and on SAR pictures. One paper, one room.

The paper is OptiSAR-Net++: A Large-Scale Benchmark and Transformer-Free Framework for Cross-Domain Remote Sensing
Visual Grounding. Everything is written from it and from public facts; no code of a detector framework is used.
"""
