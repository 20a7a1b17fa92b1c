"""QXS-SAROPT and OGSOD-1.0: pairs without truth, pairs with boxes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.datasets.check import check_dataset
from engine.datasets.dataset import BoxRow
from engine.datasets.table import recognise_layouts
from tests.engine.datasets.damage import checked, cut, read
from tests.engine.datasets.fabricate import ogsod, qxs_saropt
from tests.engine.datasets.fabricate.pictures import write_picture


class TestQxsSaropt:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        qxs_saropt.fabricate(tmp_path)
        return tmp_path

    def test_pairs_in_the_order_of_their_numbers(self, folder: Path) -> None:
        assert recognise_layouts(folder) == ("qxs-saropt",)
        data, faults = read(folder, "qxs-saropt")
        assert faults == []
        assert data.rows == ()
        assert [image.id for image in data.images] == ["1", "2", "10"]
        assert data.images[2].optical == folder / "opt_256_oc_0.2" / "10.png"
        assert data.images[2].sar == folder / "sar_256_oc_0.2" / "10.png"
        report = check_dataset(folder)
        assert (report.ok, report.samples, report.images) == (True, 0, 3)

    def test_a_missing_partner(self, folder: Path) -> None:
        (folder / "sar_256_oc_0.2" / "2.png").unlink()
        (folder / "opt_256_oc_0.2" / "10.png").unlink()
        assert checked(folder, "qxs-saropt") == [
            ("opt_256_oc_0.2/2.png", None, "The image has no SAR partner."),
            ("sar_256_oc_0.2/10.png", None, "The image has no optical partner."),
        ]

    def test_truncated_and_of_another_size(self, folder: Path) -> None:
        cut(folder / "opt_256_oc_0.2" / "1.png", 0.9)
        write_picture(folder / "sar_256_oc_0.2" / "2.png", 0, bands=1, side=128)
        assert checked(folder, "qxs-saropt") == [
            ("opt_256_oc_0.2/1.png", None, "1.png is cut short."),
            ("sar_256_oc_0.2/2.png", None, "The image has 128 x 128 pixels, not 256 x 256 as it should."),
            ("sar_256_oc_0.2/2.png", None, "The SAR image has 128 x 128 pixels, the optical one 256 x 256."),
        ]

    def test_one_number_twice(self, folder: Path) -> None:
        shutil.copy(folder / "opt_256_oc_0.2" / "1.png", folder / "opt_256_oc_0.2" / "1.jpg")
        assert checked(folder, "qxs-saropt") == [
            ("opt_256_oc_0.2/1.png", None, "There is a second file of that name: 1.jpg.")
        ]


class TestOgsod:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        ogsod.fabricate(tmp_path)
        return tmp_path

    def test_upright_and_oriented_boxes(self, folder: Path) -> None:
        assert recognise_layouts(folder) == ("ogsod",)
        data, faults = read(folder, "ogsod")
        assert faults == []
        rows = [row for row in data.rows if isinstance(row, BoxRow)]
        assert [(row.split, row.image, row.sensor, row.category, row.box_xyxy_px) for row in rows] == [
            ("train", "a1", "optical", "bridge", (96, 112, 160, 144)),
            ("train", "a1", "optical", "storage tank", (56, 56, 72, 72)),
            ("train", "a1", "sar", "bridge", (96, 112, 160, 144)),
            ("train", "a1", "sar", "storage tank", (56, 56, 72, 72)),
            ("test", "b1", "optical", "harbor", (0, 0, 256, 256)),
            ("test", "b1", "sar", "harbor", (0, 0, 256, 256)),
        ]
        assert [(image.id, image.split) for image in data.images] == [("a1", "train"), ("a2", "train"), ("b1", "test")]
        assert check_dataset(folder).ok

    def test_labels_of_one_sensor_are_enough(self, folder: Path) -> None:
        shutil.rmtree(folder / "rgb" / "labels")
        assert len(read(folder, "ogsod")[0].rows) == 3
        assert checked(folder, "ogsod") == []
        shutil.rmtree(folder / "sar" / "labels")
        assert checked(folder, "ogsod") == [
            (".", None, "There are no labels: neither rgb/labels nor sar/labels is there."),
        ]

    def test_bad_labels_have_their_line(self, folder: Path) -> None:
        path = folder / "sar" / "labels" / "train" / "a2.txt"
        path.write_text(
            "\n10 10 20 10 20 20 10 20 road 0\n10 10 20 10 20 20\n10 10 10 10 10 10 10 10 bridge 0\n"
            "250 10 260 10 260 20 250 20 bridge 0\n"
        )
        assert checked(folder, "ogsod") == [
            ("sar/labels/train/a2.txt", 2, "The class 'road' is none of bridge, harbor, storage tank."),
            ("sar/labels/train/a2.txt", 3, "The line has 6 columns; a box has 5, 9 or 10."),
            ("sar/labels/train/a2.txt", 4, "The box 10, 10, 10, 10 has no area."),
            (
                "sar/labels/train/a2.txt",
                5,
                "The box 250, 10, 260, 20 leaves the image of 256 x 256 pixels.",
            ),
        ]

    def test_labels_and_images_that_miss_each_other(self, folder: Path) -> None:
        (folder / "rgb" / "labels" / "train" / "a2.txt").rename(folder / "rgb" / "labels" / "train" / "a3.txt")
        assert checked(folder, "ogsod") == [
            ("rgb/images/train/a2.png", None, "The image has no label file train/a2.txt."),
            ("rgb/labels/train/a3.txt", None, "The label file has no image."),
        ]

    def test_one_name_in_two_splits_is_another_picture(self, folder: Path) -> None:
        for sensor in ("rgb", "sar"):
            for kind, suffix in (("images", "png"), ("labels", "txt")):
                test = folder / sensor / kind / "test"
                (test / f"b1.{suffix}").rename(test / f"a1.{suffix}")
        assert checked(folder, "ogsod") == []

    def test_one_picture_in_two_splits(self, folder: Path) -> None:
        shutil.copy(folder / "sar" / "images" / "train" / "a1.png", folder / "sar" / "images" / "test" / "b1.png")
        what = "The image is in two splits: in test here, and in train as sar/images/train/a1.png."
        assert checked(folder, "ogsod") == [("sar/images/test/b1.png", None, what)]

    def test_a_missing_folder(self, folder: Path) -> None:
        shutil.rmtree(folder / "sar" / "images" / "test")
        assert checked(folder, "ogsod")[0] == ("rgb/images/test/b1.png", None, "The image has no SAR partner.")
        assert ("sar/images/test", None, "The folder is missing.") in checked(folder, "ogsod")
