"""The synthetic world: one vector scene, two sensors' pictures of it, and what is true of it.

No labelled optical-SAR set can be shipped, so the models in the box learn from scenes made here. Reading order:

``scene``    what a scene is: items (land cover, water, roads, bridges, buildings, ships, storage tanks), each a
             polygon, line or disc in pixels of the view, with a height in metres; later items lie on earlier ones.
``draws``    random numbers for everything that is *true*, from a bit generator's raw integers, so that one seed is
             one scene on any machine.
``layout``   where things are put, obeying the land: ships float, bridges cross rivers, tanks stand on a pad. A scene
             of 256 pixels is the usual view; a larger one is a larger place with things of the same size in pixels.
``paint``    the item map: which item is on top at each pixel. Both sensors and the truth are read off it.
``surface``  what both sensors see of the ground: heights, crowns, textured towns, pools, relief; noise and shadow.
``optical``  the optical picture: sun, cast shadows, camera. ``materials`` has colours by class, kind, season and
             region; ``textures`` the ground's, in metres; ``decor`` and its parts what makes things recognisable
             (markings, roofs, decks), drawn on a ``sheet`` finer than the view.
``weather``  cloud with its shadow, fog and low light of a chosen strength, on any picture.
``sar``      the radar picture: ground, texture, wind rows, speckle; dB, amplitude, 8 bits. ``backscatter`` has levels
             by class, polarisation, incidence and wind; ``scatterers`` layover, shadow, walls, points with lobes.
``truth``    shares, counts and places, and the questions drawn from them.
``referring`` expressions that name one thing's box or any number's mask; ``selection`` what an expression means in a
             scene, and whether that is clear.
``sample``   :func:`make_sample`: all of it for one seed.

Cloud and darkness take the optical picture and leave the SAR one alone: a model has to learn to trust each sensor
where it can be trusted. To add a class: an item in ``layout``, a row each in the tables of ``materials`` and
``backscatter``,
its nouns in :mod:`engine.text`, and its name in the lists of ``scene`` and ``truth``.

Two simplifications to know about. Scenes are drawn in pixels: a ship is about 9 to 22 pixels long at any ground
sampling distance, which sets shadows only. And a town is a texture, not single houses; where there is one, buildings
are not counted and roads not denied.
"""

from engine.scenes.referring import Referral, referral_mask
from engine.scenes.sample import Sample, Truth, make_sample, make_truth
from engine.scenes.scene import Scene
from engine.text import Question

WORLD_VERSION = 2
"""Goes up when the statistics of scenes change, so that weights and exams can say which world they are of."""

__all__ = [
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
