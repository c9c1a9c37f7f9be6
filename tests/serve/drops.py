"""Requests that are dropped one at a time, beside streams that go on: their places are free within one pass of the model.

    drops.py --url http://127.0.0.1:8080 --pid PID [--drops 200] [--sequences 32]

So many are dropped in each of three states: queued, in prefill, in decode. The server's counters tell how many passes
each was still there. Prints a table; ends with 1 where something is wrong.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import time

import load

ROUND = 10  # drops beside the same streams, which must outlast them
# The counters are those of the last pass that has ended. What is dropped during a pass is taken out before the next
# one, so it is still seen when the counter has gone on by one, and not when by two.
MOST_PASSES = 1


@contextlib.asynccontextmanager
async def streams(url, client, count):
    """So many that go on meanwhile."""
    tasks = [asyncio.create_task(client.ask(load.question(f"{number}", 1900))) for number in range(count)]
    try:
        await until(url, lambda now: now["artemis_answers_running"] == count)
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(url, holds):
    """The gauges once `holds` says so of them."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        now = await asyncio.to_thread(load.gauges, url)
        if holds(now):
            return now
    raise load.Failure("what was waited for did not come within 30 s")


async def drop_one(url, client, state, rng):
    """Drops a request in this state; how many passes later it was still seen, or nothing if it left the state."""
    prompt = " ".join(rng.choices(load.WORDS, k=400 if state == "in prefill" else 20))
    before = await asyncio.to_thread(load.gauges, url)
    begun = asyncio.Event()
    task = asyncio.create_task(client.ask(load.question(prompt, 1000), heard=lambda _: begun.set()))
    if state == "in decode":
        await asyncio.wait_for(begun.wait(), 30)
    else:
        await until(url, lambda now: now["artemis_answers_total"] > before["artemis_answers_total"])
    if state != "in decode" and begun.is_set():
        state = None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    dropped = await asyncio.to_thread(load.gauges, url)
    last, now = dropped, dropped
    while now["artemis_answers_cancelled_total"] == before["artemis_answers_cancelled_total"]:
        last, now = now, await until(url, lambda _: True)
        if now["artemis_steps_total"] > dropped["artemis_steps_total"] + 1000:
            break  # it stays
    return state and last["artemis_steps_total"] - dropped["artemis_steps_total"]


async def run(options):
    print(f"drops: seed {options.seed}")
    rng = random.Random(options.seed)
    client = load.Client(options.url)
    rows, good = [], {}
    for state in ("queued", "in prefill", "in decode"):
        count = options.sequences if state == "queued" else options.sequences // 2
        seen = []
        for _ in range(0, options.drops, ROUND):
            async with streams(options.url, client, count):
                seen += [await drop_one(options.url, client, state, rng) for _ in range(ROUND)]
            settled = await load.settled(options.url)
            good["no page in use after each round"] = settled["artemis_cache_pages_used"] == 0 and good.get(
                "no page in use after each round", True)
        passes = [one for one in seen if one is not None]
        rows.append((f"dropped {state}", f"{len(passes)}, the last seen {int(max(passes, default=-1))} passes later"))
        good[f"dropped {state}: enough of them"] = len(passes) > options.drops // 2
        good[f"dropped {state}: gone within one pass"] = max(passes, default=0) <= MOST_PASSES
    rows.append(("open files", load.memory(options.pid)[1]))
    good |= load.left_behind(settled, options.pid, options.files)
    return load.report("drops", rows, load.Tally(), good)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--pid", type=int, default=0, help="the server's process, to see its open files")
    parser.add_argument("--drops", type=int, default=200, help="in each state")
    parser.add_argument("--sequences", type=int, default=32, help="that the server answers at once")
    parser.add_argument("--files", type=int, default=64, help="files that the idle server may hold open")
    parser.add_argument("--seed", type=int, default=1)
    sys.exit(asyncio.run(run(parser.parse_args())))


if __name__ == "__main__":
    main()
