"""A thousand connections that dribble leave the others' p99 under twice its base.

    slow.py --url http://127.0.0.1:8080 --pid PID [--senders 1000] [--seconds 600] [--clients 8]

The base is taken before and after, each for a tenth of the time, and counted together: so a machine that grows
slower meanwhile does not count against the server. Prints a table; ends with 1 where something is wrong.
"""

import argparse
import asyncio
import random
import sys
import time

import load

MEASURES = {"first piece": "first", "between pieces": "gaps", "whole answer": "whole"}


async def go_on(client, rng, asked, expected, until, tally):
    while time.monotonic() < until:
        which = rng.randrange(len(asked))
        start = time.monotonic()
        try:
            text, times = await asyncio.wait_for(client.ask(asked[which]), 120)
        except (load.Failure, OSError, ValueError, asyncio.IncompleteReadError) as error:
            tally.failures.append(f"{type(error).__name__}: {error}")
            await asyncio.sleep(0.2)
            continue
        tally.whole.append(1000 * (time.monotonic() - start))
        tally.see(times)
        tally.compare(which, expected[which], text)


async def run(options):
    print(f"slow: seed {options.seed}")
    load.allow_files(options.senders + options.clients)
    asked = load.questions(None, 24)
    client = load.Client(options.url)
    expected = await load.alone(client, asked)
    rngs = [random.Random(f"{options.seed} client {number}") for number in range(options.clients)]

    async def phase(seconds, tally):
        until = time.monotonic() + seconds
        await asyncio.gather(*(go_on(client, rng, asked, expected, until, tally) for rng in rngs))

    base, beside = load.Tally(), load.Tally()
    await phase(options.seconds / 10, base)
    slow = load.SlowSenders(client, options.senders, options.seed)
    slow.start()
    await asyncio.sleep(2)  # all have come
    held = load.memory(options.pid)[1]
    await phase(options.seconds, beside)
    await slow.stop()
    await phase(options.seconds / 10, base)
    settled = await load.settled(options.url)

    rows = [("slow senders", f"{options.senders}, {slow.sent} bytes, told 408 {slow.refused} times"),
            ("open files", f"{held} with them, {load.memory(options.pid)[1]} at the end"),
            ("answered", f"{base.answered} without them, {beside.answered} beside them")]
    good = {"slow senders are told": not slow.failures and (slow.refused > 0 or options.seconds < 10),
            "the slow ones are connected": not options.pid or held >= options.senders,
            "no failure": not base.failures and not beside.failures,
            "no wrong answer": not base.wrong and not beside.wrong,
            **load.left_behind(settled, options.pid, options.files)}
    for name, kind in MEASURES.items():
        p50, p99 = ([load.percentile(getattr(tally, kind), share) for tally in (base, beside)] for share in (.5, .99))
        rows.append((f"{name} p50", f"{p50[0]:.1f} -> {p50[1]:.1f} ms"))
        rows.append((f"{name} p99", f"{p99[0]:.1f} -> {p99[1]:.1f} ms ({p99[1] / p99[0]:.2f} times)"))
        good[f"p99 of {name} under twice its base"] = p99[1] < 2 * p99[0]
    beside.failures += base.failures
    beside.wrong += base.wrong
    return load.report("slow", rows, beside, good, slow.failures[:5])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--pid", type=int, default=0, help="the server's process, to see its open files")
    parser.add_argument("--senders", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--files", type=int, default=64, help="files that the idle server may hold open")
    parser.add_argument("--seed", type=int, default=1)
    sys.exit(asyncio.run(run(parser.parse_args())))


if __name__ == "__main__":
    main()
