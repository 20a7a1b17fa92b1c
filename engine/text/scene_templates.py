"""Wordings of what is asked about a whole picture: most, theme, fog-dark, match, urban, and what follows from it."""

from __future__ import annotations

from engine.text.templates import Template


def _deduction(topic: str, train: tuple[str, ...], held_out: tuple[str, ...]) -> Template:
    return Template(f"deduce-{topic}", "deduce", train, held_out)


SCENE_TEMPLATES: tuple[Template, ...] = (
    Template(
        "most",
        "most",
        (
            "What is the dominant land cover?",
            "Which land cover takes up most of the image?",
            "What covers most of the scene?",
            "What is the main land cover in this area?",
            "Which land cover is the largest here?",
            "What kind of land cover prevails?",
            "What is most of the ground covered by?",
            "Which type of land cover appears the most in the image?",
        ),
        (
            "Which cover type fills the biggest share of the view?",
            "What does this area mostly consist of?",
            "Name the predominant land cover.",
        ),
    ),
    Template(
        "most-object",
        "most",
        (
            "Which kind of object is the most numerous?",
            "What kind of object appears the most often in the image?",
            "Of which object are there the most?",
            "Which objects occur most often in this scene?",
            "What is the most common kind of object here?",
            "If you count all objects that the image shows, which kind comes out with the largest number?",
        ),
        (
            "Name the kind of object that is found most often.",
            "Which objects outnumber all others in the view?",
        ),
    ),
    Template(
        "theme",
        "theme",
        (
            "What is the theme of the scene?",
            "What kind of place is this?",
            "What is the theme of the image?",
            "Which kind of area do the images show?",
            "How would you classify this scene?",
            "What type of area is it that can be seen in the image?",
        ),
        (
            "What sort of place has been imaged?",
            "Name the kind of scene.",
        ),
    ),
    Template(
        "theme-check",
        "theme",
        (
            "Is this {word}?",
            "Is it {word}?",
            "Do the images show {word}?",
            "Is the place in the image {word}?",
            "Would you classify this scene as {word}?",
            "Is the theme of the image {word}?",
        ),
        (
            "Could this place be called {word}?",
            "Has {word} been imaged here?",
        ),
    ),
    Template(
        "weather",
        "fog-dark",
        (
            "Is the optical image clear, cloudy, foggy or dark?",
            "What is the condition of the optical image?",
            "What is the state of the optical image?",
            "How well can one see in the optical image?",
            "What is the visibility in the optical image?",
            "Does the optical image suffer from cloud, fog or darkness?",
        ),
        (
            "Under which conditions was the optical image taken?",
            "How would you describe the viewing conditions of the optical image?",
        ),
        led=False,
    ),
    Template(
        "weather-check",
        "fog-dark",
        (
            "Is the optical image {word}?",
            "Is the optical picture {word}?",
            "Would you call the optical image {word}?",
            "Is this a {word} optical image?",
            "Is the view in the optical image {word}?",
            "Does the optical image look {word}?",
        ),
        (
            "Can the optical image be described as {word}?",
            "Was the optical image taken under {word} conditions?",
        ),
        led=False,
    ),
    Template(
        "match",
        "match",
        (
            "Do the two images match?",
            "Do both images show the same place?",
            "Is the SAR image of the same area as the optical image?",
            "Do the optical and the SAR image match each other?",
            "Was the same scene taken by both sensors?",
            "Do the optical image and the SAR image, laid over each other, show the same ground?",
        ),
        (
            "Could the two pictures be of one and the same location?",
            "Does the radar picture belong to the optical one?",
        ),
        led=False,
    ),
    Template(
        "urban",
        "urban",
        (
            "Is it a rural or urban area?",
            "Is this place urban or rural?",
            "Do the images show an urban or a rural area?",
            "Would you call this area urban or rural?",
            "Is the scene in the image rural or urban?",
            "Which of the two is the area that can be seen here, urban or rural?",
        ),
        (
            "Does one look at town or at country, urban or rural?",
            "Urban or rural: which describes the place?",
        ),
    ),
    Template(
        "urban-check",
        "urban",
        (
            "Is this area {word}?",
            "Is the area in the image {word}?",
            "Do the images show a place that is {word}?",
            "Is the scene {word}?",
            "Would you call this place {word}?",
            "Is the place that can be seen here {word}?",
        ),
        (
            "Could the place be described as {word}?",
            "Does the view look {word}?",
        ),
    ),
    _deduction(
        "swim",
        (
            "Is it possible to swim here?",
            "Could one go for a swim in this place?",
            "Is there somewhere to swim in this area?",
            "Is the scene in the image suitable for swimming?",
            "Can people swim here?",
            "Would a swimmer find water that is large enough here?",
        ),
        ("Might one take a swim at this place?", "Does this place offer a chance to swim?"),
    ),
    _deduction(
        "land a plane",
        (
            "Could an airplane land here?",
            "Is it possible to land a plane here?",
            "Is this a place where airplanes take off and land?",
            "Can a plane touch down in this area?",
            "Is the scene in the image suitable for the landing of an airplane?",
            "Would a pilot find a runway here?",
        ),
        ("Might an aircraft come down safely at this place?", "Does this place allow an aircraft to land?"),
    ),
    _deduction(
        "berth a ship",
        (
            "Could a ship berth here?",
            "Is it possible to moor a ship here?",
            "Can a ship be tied up in this area?",
            "Is this a place where ships are loaded and unloaded?",
            "Is the scene in the image suitable for a ship to berth?",
            "Would a ship find a place to moor here?",
        ),
        ("Might a vessel put in at this place?", "Does this place allow a vessel to dock?"),
    ),
    _deduction(
        "drive",
        (
            "Is the scene in the image suitable for driving?",
            "Is it possible to drive here by car?",
            "Can one get here by car on a road?",
            "Could a car drive through this area?",
            "Is this place connected by road?",
            "Would a driver find a road here?",
        ),
        ("Might one cross this place in a car?", "Does this place allow a car to pass?"),
    ),
    _deduction(
        "shade",
        (
            "Is it possible to find shade under trees here?",
            "Could one take a walk in the woods here?",
            "Is there shade of many trees in this area?",
            "Can people rest in the shade of trees here?",
            "Is the scene in the image suitable for a walk under trees?",
            "Would a walker find woodland here?",
        ),
        ("Might one escape the sun among trees at this place?", "Does this place offer the shade of a wood?"),
    ),
    _deduction(
        "cross the river",
        (
            "Is it possible to cross the river here by car?",
            "Can a car get from one side of the river to the other here?",
            "Could one drive over the river in this area?",
            "Are both sides of the river connected for vehicles?",
            "Is there a way for vehicles across the river in the image?",
            "Would a driver who wants to get over the river find a way here?",
        ),
        ("Might one reach the other bank of the river in a car?", "Does this place let traffic over the river?"),
    ),
    _deduction(
        "grow crops",
        (
            "Is this place used for growing crops?",
            "Are crops grown here?",
            "Could farmers work in this area?",
            "Is there agriculture in the area that the image shows?",
            "Can a harvest be brought in here?",
            "Is a part of the scene worked by farmers?",
        ),
        ("Might a tractor be at work at this place?", "Does this place yield a harvest?"),
    ),
    _deduction(
        "store liquids",
        (
            "Is it possible to store large amounts of oil here?",
            "Are liquids such as fuel stored here?",
            "Could fuel be kept in tanks in this area?",
            "Is this place equipped for storing oil or gas?",
            "Can large amounts of liquid be stored here?",
            "Would one find stores of fuel or other liquids in this scene?",
        ),
        ("Might oil be held in stock at this place?", "Does this place serve to stock liquids?"),
    ),
    _deduction(
        "play tennis",
        (
            "Is it possible to play tennis here?",
            "Could one play a game of tennis in this area?",
            "Is there somewhere to play tennis here?",
            "Is the scene in the image suitable for playing tennis?",
            "Can people play tennis here?",
            "Would a tennis player find a court here?",
        ),
        ("Might one have a tennis match at this place?", "Does this place offer a chance of tennis?"),
    ),
    _deduction(
        "run a race",
        (
            "Is it possible to run a race on a track here?",
            "Could an athletics competition be held here?",
            "Is there a track to run on in this area?",
            "Is the scene in the image suitable for athletics?",
            "Can runners train on a track here?",
            "Would a runner find a running track here?",
        ),
        ("Might athletes meet for a race at this place?", "Does this place offer a track for athletes?"),
    ),
    _deduction(
        "park cars",
        (
            "Is it possible to park many cars here?",
            "Could visitors leave their cars on a parking lot here?",
            "Is there space made for parking in this area?",
            "Is the scene in the image suitable for parking many cars?",
            "Can a large number of cars be parked here?",
            "Would many drivers find a place to park here?",
        ),
        ("Might dozens of cars be left at this place?", "Does this place offer marked space for parked cars?"),
    ),
    _deduction(
        "live",
        (
            "Do people live here?",
            "Are there homes in this area?",
            "Could one live in the area that the image shows?",
            "Is this place inhabited?",
            "Can people be at home in this area?",
            "Would one find houses where people live here?",
        ),
        ("Might families have their homes at this place?", "Does this place serve as home to people?"),
    ),
    _deduction(
        "carry electricity",
        (
            "Is electricity carried over this area by a power line?",
            "Does a power line pass through here?",
            "Is there an overhead line that carries electricity here?",
            "Is electric power transmitted across the area in the image?",
            "Could a helicopter that flies low meet overhead wires here?",
            "Would one find high-voltage wires above this area?",
        ),
        (
            "Might wires under high voltage hang over this place?",
            "Does this place have a power line above it?",
        ),
    ),
)
