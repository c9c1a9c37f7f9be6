"""Writes answers.json: scores of the lmms-eval package (0.7.3) for predictions and accepted answers.

    pip install --no-deps lmms-eval==0.7.3
    python tests/golden/evaluate/generate.py

Its functions are read out of the installed files, so that the package's other requirements are not needed.
"""
import ast
import json
import pathlib
import random
import re
import statistics
from importlib import metadata

ROOT = pathlib.Path(metadata.distribution("lmms-eval").locate_file("lmms_eval"))


def functions(file, names, known):
    tree = ast.parse((ROOT / file).read_text())
    for node in tree.body:
        if getattr(node, "name", None) in names:
            node.decorator_list = []
            exec(compile(ast.Module([node], []), file, "exec"), known)
    return known


SPACE = {"re": re, "statistics": statistics}
functions("tasks/_task_utils/vqa_eval_metric.py", {"EvalAIAnswerProcessor"}, SPACE)
functions("tasks/vqav2/utils.py", {"vqav2_process_results"}, SPACE)
functions("tasks/chartqa/utils.py", {"relaxed_correctness"}, SPACE)
functions("tasks/ocrbench/utils.py", {"_fold_fullwidth_ascii", "ocrbench_process_results"}, SPACE)
functions("api/metrics.py", {"anls", "levenshtein_distance"}, SPACE)

CASES = [
    ("Two dogs", ["two dogs"] * 3 + ["2 dogs"] * 3 + ["dogs"] * 4),
    ("The cat.", ["cat", "a cat", "cats", "Cat", "kitten", "cat", "the cat", "feline", "cat!", "tabby"]),
    ("dont know", ["don't know"] * 2 + ["dont know"] * 2 + ["unknown"] * 6),
    ("1,000 m", ["1000 m", "1,000 m", "1000m", "1 000 m", "1000-m", "one", "ten", "1000", "m", "x"]),
    ("red/blue", ["red blue"] * 5 + ["red / blue"] * 2 + ["redblue"] * 3),
    ("$3.50", ["3.50", "$3.50", "$3.5", "3.50.", "$3.50", "$ 3.50", "350", "a", "b", "c"]),
    ("somebody'd go", ["somebodyd go", "somebody'd go"] * 5),
    ("couldn'tve, y'allll", ["couldn't've y'all'll"] * 4 + ["couldntve yall"] * 6),
    ("none of them", ["0 of them"] * 2 + ["zero of them"] * 2 + ["none"] * 6),
    (" STOP\n", ["stop", "Stop sign", "stop"]),
    ("O'Clock", ["oclock", "o'clock", "clock"]),
    ("stop-sign ahead - now", ["stopsign ahead now", "stop sign ahead now", "stop"]),
    ("", ["", "nothing", ""]),
    ("university of california", ["University of California, San Diego", "UCSD"]),
    ("Straße 12", ["strasse 12", "STRAßE 12"]),
    ("hello   world", ["hello world"]),
    ("  padded answer ", ["padded answer"]),
    ("abcd", ["abxy"]),
    ("abcd", ["abxyz"]),
    ("été", ["ÉTÉ", "ete"]),
    ("10", ["10.5"]),
    ("9.5", ["10"]),
    ("9.49", ["10"]),
    ("12%", ["0.12"]),
    ("12%", ["12"]),
    ("0", ["0"]),
    ("0.0", ["0"]),
    ("-21", ["-20"]),
    ("Yes", ["yes"]),
    ("1e2", ["100"]),
    ("+5", ["5"]),
    ("5 %", ["0.05"]),
    (" 7 ", ["7"]),
    ("1,000", ["1000"]),
    ("nan", ["5"]),
    ("5.", ["5"]),
    (".5", ["0.5"]),
    ("The sign says Main\nStreet today", ["main street", "MAIN ST."]),
    ("main", ["main street"]),
    ("anything", [""]),
]
WORDS = ["a", "The", "red", "two", "ten", "1,5", "3.", ".5", "isnt", "it's", "-", "x-y", "no,", "(ok)", "Ä", "théve"]


def random_cases(count):
    draw = random.Random(7)
    phrase = lambda: " ".join(draw.choices(WORDS, k=draw.randint(1, 3)))
    for _ in range(count):
        answers = [phrase() for _ in range(4)]
        yield draw.choice(answers + [phrase()]), draw.choices(answers, k=10)


def scores(prediction, answers):
    doc = {"question_id": 0, "answers": [{"answer": a, "answer_id": i} for i, a in enumerate(answers)]}
    vqa = SPACE["vqav2_process_results"](doc, [prediction])
    ocr = SPACE["ocrbench_process_results"](
        {"answer": answers, "dataset": "", "question_type": ""}, [prediction])
    relaxed = SPACE["relaxed_correctness"]
    return {
        "prediction": prediction,
        "answers": answers,
        "normal": vqa["submission"]["answer"],
        "vqa": vqa["exact_match"],
        "anls": SPACE["anls"](answers, [prediction])["anls"],
        "relaxed": float(any(relaxed(prediction, a) for a in answers)),
        "contains": float(ocr["ocrbench_accuracy"]["score"]),
    }


rows = [scores(p, a) for p, a in [*CASES, *random_cases(120)]]
out = pathlib.Path(__file__).parent / "answers.json"
out.write_text("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")
