"""Training labels of which a share is drawn anew, so that a network is told wrong digits.

As in Zhang, Bengio, Hardt, Recht and Vinyals 2017 ("Understanding deep learning requires rethinking generalization").
"""

from __future__ import annotations

import numpy as np

from core.data.config import DataConfig
from core.data.dataset import Dataset, Labels

_UINT64 = 2.0**64


def given_labels(dataset: Dataset, config: DataConfig) -> Labels:
    """What a run is told of every training image of its dataset, (N,): the true labels but for the share that is drawn anew.

    ``split_seed`` decides which; an image that is hit at a small share is hit at every larger one, and by the same digit.
    Of ten digits, one in ten of those that are drawn keeps its label by luck.
    """
    if not config.label_noise:
        return dataset.train_labels
    n = len(dataset.train_labels)
    # Raw PCG64 output is promised to stay as it is; its methods may change from one NumPy release to the next.
    which, what = np.random.PCG64([config.split_seed, 1]).random_raw(2 * n).reshape(2, n)
    drawn = np.array(config.classes, np.int64)[(what % np.uint64(len(config.classes))).astype(np.int64)]
    return np.where(which / _UINT64 < config.label_noise, drawn, dataset.train_labels)
