"""Writes events.json beside this file: records of an event file as TensorBoard's own writer makes them.

    python -m venv oracle && oracle/bin/pip install tensorboard==2.21.0
    oracle/bin/python generate.py
"""

import io
import json
import pathlib

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


class Buffer(io.BytesIO):
    """Keeps its bytes readable."""

    def flush(self):
        pass


SCALARS = [
    (1700000000.25, 0, "train/loss", 5.25),
    (1700000001.5, 1, "train/loss", 0.1),
    (1700000002.75, 300, "train/learning_rate", 0.0),
    (1700000003.0, 5_000_000_000, "eval/ähnlich", -1e-30),
    (1700000004.0, 2, "long/" + "x" * 200, float("inf")),
]


def scalar(wall_time, step, tag, value):
    return Event(wall_time=wall_time, step=step, summary=Summary(value=[Summary.Value(tag=tag, simple_value=value)]))


def record(event):
    buffer = Buffer()
    RecordWriter(buffer).write(event.SerializeToString())
    return buffer.getvalue().hex()


def main():
    golden = {
        "version": {"wall_time": 1700000000.0, "record": record(Event(wall_time=1700000000.0, file_version="brain.Event:2"))},
        "start": {
            "wall_time": 1700000000.5,
            "step": 129,
            "record": record(Event(wall_time=1700000000.5, step=129, session_log=SessionLog(status=SessionLog.START))),
        },
        "scalars": [
            {"wall_time": w, "step": s, "tag": t, "value": str(v), "record": record(scalar(w, s, t, v))}
            for w, s, t, v in SCALARS
        ],
    }
    text = json.dumps(golden, indent=1, ensure_ascii=False) + "\n"
    pathlib.Path(__file__).with_name("events.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
