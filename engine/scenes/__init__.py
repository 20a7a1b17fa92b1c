"""The synthetic world: one vector scene, two sensors' pictures of it, and what is true of it.

No labelled optical-SAR set can be shipped, so the models in the box learn from scenes made here. Reading order:

``scene``    what a scene is: items (land cover, water, ways, things), each a polygon, line or disc in pixels of the
             view, with a height in metres, and named places; later items lie on earlier ones.
``layout``   where things are put: ``ground`` (with ``parcels``), ``waters``, ``sites`` (``towns``, ``industry``,
             ``harbors``, ``airfields``, ``sports``, with ``floor`` to try where a thing may stand), ``roads`` with
             ``junctions``, ``traffic``, ``ships`` and power ``lines``, all on the sheet of ``plan``. Sizes are in
             metres. A scene of 256 pixels is the usual view; a larger one is a larger place.
``paint``    the item map: which item is on top at each pixel. Both sensors and the truth are read off it.
``surface``  what both sensors see of the ground: heights, crowns, textured towns, pools, relief; noise and shadow.
``optical``  the optical picture: sun, cast shadows, camera. ``materials`` has colours by class, kind, season and
             region; ``textures`` the ground's, in metres; ``decor`` and its parts what makes things recognisable
             (markings, roofs, decks), drawn on a ``sheet`` finer than the view.
``weather``  cloud with its shadow, fog and low light of a chosen strength, on any picture.
``sar``      the radar picture: ground, texture, wind rows, speckle; dB, amplitude, 8 bits. ``backscatter`` has levels
             by class, polarisation, incidence and wind; ``scatterers`` layover, shadow, walls, points with lobes.
``condition`` how a pair was taken: weather, looks, unit, and whether both pictures are of one place.
``facts``    what can be seen, measured on the item map: things with boxes, patches, shares, counts.
``truth``    from facts to a :class:`engine.text.Description`, the attributes of OSVQA's Table I. ``reading`` is what
             its readers share: ``counted`` for things, ``patches`` for covers and water, ``ways`` for roads;
             ``measures`` has the words for shapes, places and distributions, ``deductions`` what follows. ``balance``
             is how often each question is asked.
``referring`` expressions that name one thing's box or any number's mask; ``selection`` what an expression means in a
             scene, and whether that is clear; ``radar_view`` where the radar shows what stands up.
``sample``   :func:`make_truth` and :func:`make_sample`: all of it for one seed. ``stream`` makes many at once.
``exam``     frozen ranges of scenes, and how difficult they are (``difficulty``).

Everything that is *true* is drawn from :mod:`engine.draws`, so that one seed is one scene on any machine. Cloud, fog
and darkness take the optical picture and leave the SAR one alone: a model has to learn to trust each sensor where it
can be trusted.

To add a class: its name in the lists of ``scene``, an item in a site, a row each in the tables of ``materials`` and
``backscatter``, its nouns in :mod:`engine.text`; then count ``balance`` anew and raise ``WORLD_VERSION``.

A simplification to know about: where houses would be too small, a town is a texture, and where there is such a town,
buildings, roads and junctions are neither counted nor denied.
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
