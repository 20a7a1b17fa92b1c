"""RSQA Desktop: the window. Knows nothing of torch or rasterio; it asks the engine's processes.

``rsqa_desktop/DESIGN.md`` says which room owns what and how a question travels through them.
"""
