"""Annotation formats as text, shared by reading and writing: COCO, Pascal VOC, YOLO. No rasters, no torch."""
