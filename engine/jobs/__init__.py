"""What the engine's processes do: the worker's and the tile reader's loops, the handlers, devices, job folders.

Nothing is imported here, as the tile reader must start without torch.
"""
