"""What OptiSAR-Net++ is trained and judged on: pictures of one sensor with expressions and the boxes they name.

To read: ``expression_set`` (what a set is); ``scenes`` renders one from synthetic scenes, as ``scene_truth`` tells what
each sensor shows of them; ``folders`` reads one from a published layout; ``drawing`` says which pictures a training
step gets.
"""
