"""Writes parquet/*.parquet with pyarrow: rows in the forms in which Hugging Face datasets store them."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent / "parquet"
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def image(row):
    return {"bytes": b"picture %d\x00\xff" % row, "path": f"{row}.png" if row % 2 else None}


def messages(row):
    return [
        {"role": "user", "content": f"Which row is {row}?"},
        {"role": "assistant", "content": f"Row {row}, naïve."},
    ]


def write(name, columns, **options):
    pq.write_table(pa.table(columns), HERE / name, row_group_size=5, **options)


HERE.mkdir(exist_ok=True)
rows = range(12)
write(
    "captions.parquet",
    {
        "id": pa.array(rows, pa.int64()),
        "image": pa.array([None if row == 7 else image(row) for row in rows], IMAGE),
        "text": pa.array([None if row == 3 else f" A row of number {row}.\n" for row in rows]),
    },
)
write(
    "messages.parquet",
    {
        "images": pa.array([[image(row)] * (row % 3) for row in rows], pa.list_(IMAGE)),
        "messages": pa.array([json.dumps(messages(row), ensure_ascii=False) for row in rows]),
    },
    compression="zstd",
)
write(
    "structs.parquet",
    {
        "image": pa.array([None if row % 4 else b"raw %d" % row for row in rows], pa.large_binary()),
        "messages": pa.array(
            [messages(row) for row in rows],
            pa.list_(pa.struct([("role", pa.string()), ("content", pa.string()), ("name", pa.string())])),
        ),
    },
    compression="none",
    data_page_version="2.0",
)
write("other.parquet", {"label": pa.array(rows, pa.int64())})
