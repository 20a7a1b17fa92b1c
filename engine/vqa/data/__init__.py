"""What TGFNet is trained and judged on: sets of views with questions, from scenes or from data sets on disk.

``question_set`` has the record. ``scenes`` renders one, ``folders`` reads one from a published layout (``pair_files``
decodes its images); ``weathers`` puts adverse weather on optical pictures. What takes long to make is kept by
``engine.training.stored``. ``table`` has the questions as tensors, ``inputs`` the pictures, ``features`` the tokens
of a frozen encoder. ``drawing`` decides what each training step gets.
"""
