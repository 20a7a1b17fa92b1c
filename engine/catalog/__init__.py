"""The table of tasks, presets and models as names, and the finder of what ships in ``resources/``.

Networks are named by lazy strings, so that listing models imports no torch and costs milliseconds.
"""

from engine.catalog.card import (
    CARD_FILE,
    WEIGHTS_FILE,
    CalibratedType,
    CardCalibration,
    GroundingCalibration,
    ModelCard,
    ScoreCurve,
    SegmentationCalibration,
    check_task,
    file_sha256,
    json_fields,
    read_card,
    read_fields,
    verify_extra_file,
    verify_weights,
)
from engine.catalog.table import (
    MODEL_FOLDER,
    MODELS,
    TASKS,
    CatalogModel,
    CatalogTask,
    find_model,
    installed_models,
    missing_models,
    model_folders,
    resource_folder,
)

__all__ = [
    "MODEL_FOLDER",
    "CARD_FILE",
    "MODELS",
    "TASKS",
    "WEIGHTS_FILE",
    "CalibratedType",
    "CardCalibration",
    "CatalogModel",
    "CatalogTask",
    "GroundingCalibration",
    "ModelCard",
    "ScoreCurve",
    "SegmentationCalibration",
    "check_task",
    "file_sha256",
    "json_fields",
    "read_fields",
    "find_model",
    "installed_models",
    "missing_models",
    "model_folders",
    "read_card",
    "resource_folder",
    "verify_extra_file",
    "verify_weights",
]
