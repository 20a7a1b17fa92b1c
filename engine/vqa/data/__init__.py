"""What TGFNet is trained and judged on: sets of views with questions, from scenes or from data sets on disk.

``question_set`` has the record; ``scenes`` renders one, ``folders`` reads one from a published layout, ``weathers``
makes adverse variants of its optical pictures, ``features`` keeps the tokens of a frozen encoder, ``table`` has the
questions as tensors.
"""
