"""Annotation formats as text, shared by reading and writing: COCO, Pascal VOC, YOLO, CSV, and JSON too long to hold.

No rasters, no torch.
"""
