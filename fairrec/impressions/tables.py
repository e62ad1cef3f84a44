"""pyarrow, and tables in memory as tables of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fairrec.errors import BadData, ModelUnavailable, WrongUse

if TYPE_CHECKING:
    import pyarrow


def arrow() -> Any:
    """Return the module `pyarrow`.

    Raises:
        ModelUnavailable: It is not installed.
    """
    try:
        import pyarrow
    except ImportError as error:
        raise ModelUnavailable(
            "reading a log of impressions needs pyarrow, which is not installed.",
            expected="pyarrow beside fairrec, for logs of every form.",
            do="pip install 'fairrec[parquet]'.",
        ) from error
    return pyarrow


def compute() -> Any:
    """Return the module `pyarrow.compute`, whose functions are made as it is imported."""
    import pyarrow.compute

    return pyarrow.compute


def table_in_memory(source: Any) -> pyarrow.Table:
    """Return a pandas or polars data frame or a pyarrow table as a pyarrow table.

    Raises:
        WrongUse: It is something else.
        BadData: Two columns share a name, or one cannot be read.
    """
    pa = arrow()
    if isinstance(source, pa.Table):
        return source
    if hasattr(source, "to_arrow"):
        return source.to_arrow()
    if not (hasattr(source, "columns") and hasattr(source, "itertuples")):
        raise WrongUse(
            f"a table was given as {type(source).__name__}.",
            expected="a path, a pandas or polars DataFrame, or a pyarrow Table.",
            do="collect a lazy frame, or turn it into one of these.",
        )
    names = [str(name) for name in source.columns]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise BadData(
            f"the table has {', '.join(map(repr, repeated))} as the name of several columns.",
            expected="a different name for every column.",
        )
    cells = [_column(source.iloc[:, place], name) for place, name in enumerate(names)]
    return pa.table(cells, names=names)


def _column(series: Any, name: str) -> Any:
    import pandas

    pa = arrow()
    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        # Numbers and text in one column: as text, every different value once.
        codes, values = pandas.factorize(series)
    texts = [str(v) if isinstance(v, str | int) else f"{v:g}" if v == v else None for v in values]
    return pa.DictionaryArray.from_arrays(
        pa.array(codes, mask=codes < 0), pa.array(texts, pa.string())
    )
