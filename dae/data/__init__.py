"""Data sets (synthetic digits, torchvision, image folders) and single images from users."""

from dae.data.datasets import DATASETS, DatasetInfo, data_root, dataset_label, is_available, is_folder, load_dataset
from dae.data.image_set import ImageSet
from dae.data.uploads import decode_image

__all__ = [
    "DATASETS",
    "DatasetInfo",
    "ImageSet",
    "data_root",
    "dataset_label",
    "decode_image",
    "is_available",
    "is_folder",
    "load_dataset",
]
