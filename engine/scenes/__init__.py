"""The synthetic world: one vector scene, two sensors' pictures of it, and what is true of it.

No labelled optical-SAR set can be shipped, so the models in the box learn from scenes made here. Reading order:

``scene``     what a scene is: items (land cover, water, ways, things), each a polygon, line or disc in pixels of the
              view, with a height in metres, and named places; later items lie on earlier ones.
``layout``    where things are put, on the sheet of ``plan``, in metres. ``land/`` has ground, parcels, water, roads
              with their junctions, power lines; ``built/`` towns, works, harbors, airfields, sports grounds, traffic,
              ships, and ``floor``, which tries where a thing may stand. A view of 256 pixels is the usual one; a larger
              one is a larger place.
``paint``     the item map: which item is on top at each pixel. Both sensors and the truth are read off it.
``surface``   what both sensors see of the ground: heights, crowns, textured towns, pools, relief; noise and shadow.
``optics/``   the optical picture: ``materials`` has colours by class, kind, season and region, ``textures`` the
              ground's, ``decor`` and its parts what makes things recognisable, drawn on a ``sheet`` finer than the
              view; ``weather`` is cloud, fog and low light of a chosen strength, on any picture.
``radar/``    the SAR picture: ``backscatter`` has levels by class, polarisation, incidence and wind, ``scatterers``
              layover, shadow, walls, points with lobes, ``sar`` speckle and units; ``radar_view`` is where the radar
              shows what stands up.
``condition`` how a pair was taken: weather, looks, unit, and whether both pictures are of one place.
``truths/``   ``facts`` is what can be seen, measured on the item map; ``truth`` makes of it a
              :class:`engine.text.Description`, the attributes of OSVQA's Table I, with a reader each for things,
              patches and ways; ``referring`` are expressions that name one thing's box or any number's mask, and
              ``selection`` is what an expression means in a scene, and whether that is clear.
``sample``    :func:`make_truth` and :func:`make_sample`: all of it for one seed. ``stream`` makes many at once.
              ``balance`` is how often each question is asked.
``exam``      frozen ranges of scenes, and how difficult they are (``difficulty``).

Everything that is *true* is drawn from :mod:`engine.draws`, so that one seed is one scene on any machine. Cloud, fog
and darkness take the optical picture and leave the SAR one alone: a model has to learn to trust each sensor where it
can be trusted.

To add a class: its name in the lists of ``scene``, an item in a site, a row each in the tables of ``materials`` and
``backscatter``, its nouns in :mod:`engine.text`; then count ``balance`` anew and raise ``WORLD_VERSION``.

A simplification to know about: where houses would be too small, a town is a texture, and where there is such a town,
buildings, roads and junctions are neither counted nor denied.
"""

from engine.scenes.sample import Sample, Truth, make_sample, make_truth
from engine.scenes.scene import Scene
from engine.scenes.truths.referring import Referral, referral_mask
from engine.text import Question

WORLD_VERSION = 2
"""Goes up when the statistics of scenes change, so that weights and exams can say which world they are of."""

SPLIT_SEEDS = {"train": 10_000_000, "validation": 20_000_000, "test": 30_000_000}
"""The first seed of each split, the same for every network, so that none is tested on what another has learned from.
Exams have ranges of their own, see ``exam``."""

__all__ = [
    "SPLIT_SEEDS",
    "WORLD_VERSION",
    "Question",
    "Referral",
    "Sample",
    "Scene",
    "Truth",
    "make_sample",
    "make_truth",
    "referral_mask",
]
