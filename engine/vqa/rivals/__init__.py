"""The six rivals of Table III, one readable module each, on TGFNet's encoder, text features and training loop.

None is a copy of its original, and none can be: pictures and questions come to all of them as the same tokens, and both
sensors as their sum (section V-A). What each module keeps is what is particular to its paper between tokens and answer.
Its docstring says what our paper tells of it, what is known of the original, and what is *our reading*. In short, with
parameters beyond the shared encoder (665,952) in the compact preset with 96 answers:

======== ================================== ============================================= =========
rival    known of the original              our reading                                   parameters
======== ================================== ============================================= =========
rsvqa    pooled CNN features and a          a GRU of the network's width for              790,336
         recurrent sentence vector, each    skip-thoughts
         to 1200 by tanh, multiplied; MLP
main     Inception block; sentence attends  four branches of D / 4; bilinear form of      653,024
         to places, picture to words;       rank 5 for the whole outer product
         outer product, signed root
bimodal  CLIP tokens, two decoders, two     decoders as TGFNet's experts; logits are      960,576
         classifiers averaged               averaged
hrvqa    MCAN whose patches attend by       two layers for six; offsets in sides of the   824,096
         content and position, blended by   picture; channel weights of mean 1
         gates; channel weights of the sum
         of both sides
trar     MCAN whose patches attend over     soft routing; windows of 3, 5, 7 patches;     841,320
         spans 0 to 3, by path weights      two layers for six
feth     attention guided by the question,  one box, sampled bilinearly; linear soft      190,820
         a spatial transformer's region;    weights, age 2 ln C / (1 - progress); no
         self-paced curriculum              prior knowledge of what is easy
======== ================================== ============================================= =========

No batch statistics anywhere; what is masked changes nothing.
"""
