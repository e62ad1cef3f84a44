"""Data sets of real users: readers, downloads, splits; and users who do not exist."""

from fairrec.datasets.dataset import Dataset
from fairrec.datasets.reading import read_dataset
from fairrec.datasets.splits import leave_last_out
from fairrec.datasets.synthetic import synthetic_users
from fairrec.datasets.tables import read_interactions

__all__ = ["Dataset", "leave_last_out", "read_dataset", "read_interactions", "synthetic_users"]
