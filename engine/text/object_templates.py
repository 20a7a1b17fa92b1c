"""Wordings of what is asked about things: presence, number, compare, location, area, length, distance, and so on."""

from __future__ import annotations

from engine.text.templates import Template

OBJECT_TEMPLATES: tuple[Template, ...] = (
    Template(
        "presence",
        "presence",
        (
            "Is there {any}?",
            "Is there {any} in the image?",
            "Can you see {any} here?",
            "Does the scene contain {any}?",
            "Is {any} present in this area?",
            "Do the images show {any}?",
            "Does this place have {any}?",
            "Is {any} visible in the pair?",
        ),
        (
            "Could one find {any} in this scene?",
            "Would you say that there is {any} in view?",
            "Has this area got {any}?",
        ),
    ),
    Template(
        "presence-in",
        "presence",
        (
            "Is there {any} in the {cell} part of the image?",
            "Does the {cell} part of the scene contain {any}?",
            "Can you see {any} in the {cell} part of the image?",
            "When you look at the {cell} part of the image, is there {any}?",
            "Do the images show {any} in their {cell} part?",
            "Is {any} visible in the {cell} part of this area?",
            "Looking only at the {cell} part of the image, is there {any}?",
        ),
        (
            "Could one find {any} in the {cell} ninth of the view?",
            "Of the nine cells that divide the picture, does the {cell} one hold {any}?",
        ),
    ),
    Template(
        "number",
        "number",
        (
            "How many {many} are there?",
            "How many {many} are in the image?",
            "What is the number of {many}?",
            "Count the {many}.",
            "How many {many} can you see?",
            "What is the count of {many} in this area?",
            "How many {many} does the scene contain?",
            "What's the amount of the {many} that can be seen in the image?",
        ),
        (
            "Tell me how many {many} this place has.",
            "What number of {many} is visible?",
            "The scene shows how many {many}?",
        ),
    ),
    Template(
        "compare-count",
        "compare",
        (
            "Are there more {many} than {other_many}?",
            "Is the number of {many} larger than the number of {other_many}?",
            "Does the scene contain more {many} than {other_many}?",
            "Do {many} outnumber {other_many}?",
            "Can you see more {many} than {other_many}?",
            "Is the count of {many} above the count of {other_many} that the image shows?",
        ),
        (
            "Would you count more {many} than {other_many} here?",
            "Compared with {other_many}, are {many} more numerous?",
        ),
    ),
    Template(
        "compare-count-word",
        "compare",
        (
            "Is the number of {many} more than, less than, or equal to the number of {other_many}?",
            "Are there more, less or as many {many} compared with {other_many}?",
            "How does the number of {many} compare with the number of {other_many}: more, less or equal?",
            "What is the relation of the number of {many} to the number of {other_many} in the image?",
            "Compare the number of {many} with that of {other_many}.",
            "If you count the {many} and then the {other_many}, is the first number more, less or equal?",
        ),
        (
            "Against the count of {other_many}, is the count of {many} more, less or equal?",
            "Set beside {other_many}, are {many} more, less or equal in number?",
        ),
    ),
    Template(
        "compare-area",
        "compare",
        (
            "Is there more {mass} than {other_mass}?",
            "Does {mass} cover more ground than {other_mass}?",
            "Is the area of {mass} larger than that of {other_mass}?",
            "Does {mass} take up more of the image than {other_mass}?",
            "Is {mass} more extensive than {other_mass}?",
            "Is a larger part of the scene {mass} than {other_mass}?",
        ),
        (
            "Compared with {other_mass}, does {mass} fill more of the view?",
            "Would you say that {mass} occupies a bigger share than {other_mass}?",
        ),
    ),
    Template(
        "compare-area-word",
        "compare",
        (
            "Is the area of {mass} larger or smaller than the area of {other_mass}?",
            "Compared with the area of {other_mass}, is that of {mass} larger or smaller?",
            "How does the area that {mass} covers compare with the area that {other_mass} covers?",
            "Is the part of the image that is {mass} larger or smaller than the part that is {other_mass}?",
            "Compare the area of {mass} with the area of {other_mass}.",
            "Does {mass} have a larger or a smaller area than {other_mass}?",
        ),
        (
            "Is what {mass} occupies larger or smaller than what {other_mass} occupies?",
            "Measured against {other_mass}, is {mass} larger or smaller in extent?",
        ),
    ),
    Template(
        "compare-which",
        "compare",
        (
            "Which covers more ground, {mass} or {other_mass}?",
            "Is there more {mass} or more {other_mass}?",
            "Which is larger in area, {mass} or {other_mass}?",
            "Which of the two takes up more of the image: {mass} or {other_mass}?",
            "What is there more of, {mass} or {other_mass}?",
            "Does {mass} or {other_mass} cover the larger area?",
        ),
        (
            "Of {mass} and {other_mass}, which fills more of the view?",
            "Which occupies the bigger share, {mass} or {other_mass}?",
        ),
    ),
    Template(
        "compare-length",
        "compare",
        (
            "Is {the} longer than {other_the}?",
            "Is the length of {the} larger than the length of {other_the}?",
            "Does {the} run for longer in the image than {other_the}?",
            "Of the two, is {the} the longer one, rather than {other_the}?",
            "Is {other_the} shorter than {the}?",
            "Comparing the lengths of {the} and {other_the}, is the first the longer?",
        ),
        (
            "Does {the} extend over a greater length than {other_the}?",
            "Would it take longer to walk along {the} than along {other_the}?",
        ),
    ),
    Template(
        "location",
        "location",
        (
            "Where is {the}?",
            "Where is {the} in the image?",
            "In which part of the image is {the}?",
            "What is the position of {the}?",
            "Where can {the} be found?",
            "In what part of the scene does {the} lie?",
            "Where is {the} located?",
            "If the image is divided into three by three parts, in which of them is {the}?",
        ),
        (
            "Whereabouts in the view is {the}?",
            "Which part of the picture holds {the}?",
            "Point out the position of {the}.",
        ),
    ),
    Template(
        "location-relative",
        "location",
        (
            "In which direction from {other_the} is {the}?",
            "Where is {the} relative to {other_the}?",
            "Where does {the} lie as seen from {other_the}?",
            "What is the position of {the} with respect to {other_the}?",
            "On which side of {other_the} is {the}?",
            "Starting at {other_the}, in which direction does one have to go to reach {the}?",
        ),
        (
            "Standing at {other_the}, towards which side of the picture is {the}?",
            "Which way is {the} from {other_the}?",
        ),
    ),
    Template(
        "relation-check",
        "location",
        (
            "Is {the} {side} {other_the}?",
            "Does {the} lie {side} {other_the}?",
            "Is {the} located {side} {other_the} in the image?",
            "Is it true that {the} is {side} {other_the}?",
            "Can {the} be found {side} {other_the}?",
            "Seen in the image, is the position of {the} {side} {other_the}?",
        ),
        (
            "Would you say that {the} is situated {side} {other_the}?",
            "Has {the} got its place {side} {other_the}?",
        ),
    ),
    Template(
        "area",
        "area",
        (
            "What is the area of {mass}?",
            "How large is the area that {mass} covers?",
            "What area does {mass} take up in the image?",
            "How much of the image is {mass}, in square pixels?",
            "What is the total area covered by {mass} in this scene?",
            "In which range is the area of {mass}?",
        ),
        (
            "How big an area is {mass} in the view?",
            "Over what area does {mass} extend?",
        ),
    ),
    Template(
        "area-of",
        "area",
        (
            "What is the area of {the} alone?",
            "How large is {the}?",
            "How much area does {the} cover by itself?",
            "What area does {the} have?",
            "In which range is the area of {the} on its own?",
            "How many square pixels does {the} take up?",
        ),
        (
            "What is the extent of {the} in square pixels?",
            "How big is {the}?",
        ),
    ),
    Template(
        "shape",
        "shape",
        (
            "What is the shape of {the}?",
            "What shape does {the} have?",
            "What is the shape of {the} in the image?",
            "Which shape describes {the}?",
            "How is {the} shaped?",
            "Seen from above, which shape does {the} have?",
        ),
        (
            "What form does {the} take?",
            "Describe the outline of {the}.",
        ),
    ),
    Template(
        "shape-check",
        "shape",
        (
            "Is {the} {word}?",
            "Is the shape of {the} {word}?",
            "Does {the} look {word} in the image?",
            "Would you call {the} {word}?",
            "Is {the} that the image shows {word} in shape?",
            "Does {the} have a {word} shape?",
        ),
        (
            "Can the form of {the} be described as {word}?",
            "Seen from above, does {the} appear {word}?",
        ),
    ),
    Template(
        "distribution",
        "distribution",
        (
            "How are the {many} distributed?",
            "What is the distribution of the {many}?",
            "How are the {many} arranged in the image?",
            "In what way are the {many} spread over the scene?",
            "What describes the distribution of the {many} that can be seen here?",
            "What is the arrangement of the {many}?",
        ),
        (
            "What pattern do the {many} form?",
            "How do the {many} lie with regard to one another?",
        ),
    ),
    Template(
        "distribution-check",
        "distribution",
        (
            "Are the {many} {word}?",
            "Is the distribution of the {many} {word}?",
            "Would you describe the {many} as {word}?",
            "Do the {many} lie {word}?",
            "Are the {many} that the image shows arranged so that they are {word}?",
            "Is it right that the {many} are {word}?",
        ),
        (
            "Can the pattern of the {many} be called {word}?",
            "Do the {many} appear {word} in the view?",
        ),
    ),
    Template(
        "distance",
        "distance",
        (
            "What is the distance between {the} and {other_the}?",
            "How far is {the} from {other_the}?",
            "How far apart are {the} and {other_the}?",
            "What is the distance from {the} to {other_the} in pixels?",
            "In which range is the distance between {the} and {other_the}?",
            "How many pixels lie between the middle of {the} and the middle of {other_the}?",
        ),
        (
            "How long is the straight way from {the} to {other_the}?",
            "What separates {the} from {other_the}, in pixels?",
        ),
    ),
    Template(
        "distance-between",
        "distance",
        (
            "What is the distance between the two {many}?",
            "How far apart are the two {many}?",
            "How far is one of the {many} from the other?",
            "In which range is the distance between the two {many} that the image shows?",
            "What is the distance in pixels from the one to the other of the {many}?",
            "How many pixels lie between the middles of the two {many}?",
        ),
        (
            "How long is the straight way between both {many}?",
            "By how many pixels are the two {many} separated?",
        ),
    ),
    Template(
        "length",
        "length",
        (
            "What is the length of {the}?",
            "How long is {the}?",
            "How long is {the} in the image?",
            "Over what length can {the} be followed in the image?",
            "In which range is the length of {the}?",
            "What length does {the} have, measured along its middle in pixels?",
        ),
        (
            "How many pixels long is {the}?",
            "For what length does {the} run through the view?",
        ),
    ),
    Template(
        "quality",
        "quality",
        (
            "Which image shows the {many} more clearly, the optical or the SAR image?",
            "In which image can the {many} be seen clearly?",
            "Which of the two images is better suited to study the {many}?",
            "Which image should be used to look at the {many}?",
            "Are the {many} clear in the optical image, the SAR image, both or neither?",
            "Which sensor gives reliable information about the {many}?",
        ),
        (
            "To examine the {many}, which picture would you trust?",
            "Where do the {many} stand out well: in the optical picture, in the SAR picture, in both or in neither?",
        ),
    ),
    Template(
        "quality-check",
        "quality",
        (
            "Are the {many} clear in the optical image?",
            "Does the optical image show the {many} clearly?",
            "Is the optical image good enough to look at the {many}?",
            "Are the {many} clearly visible in the optical image despite the weather?",
            "Is the quality of the optical image sufficient where the {many} lie?",
            "Can the optical image alone be relied on to study the {many}?",
        ),
        (
            "Would the optical picture by itself show the {many} well?",
            "Could one examine the {many} without the SAR picture?",
        ),
    ),
)
