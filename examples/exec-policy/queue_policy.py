#!/usr/bin/env python3
"""A policy for `forewarm simulate --policy 'exec:python3 queue_policy.py'`. Needs the standard library alone.

The rule: one replica for every `--per-replica` requests in flight (at the gateway, waiting and running). Up at once; down only to the most
that was wanted within `--hold` seconds. While nothing is known of the load, the size stays. docs/exec-policy.md explains the lines.
"""

import argparse
import json
import math
import sys

PROTOCOL = "forewarm.dev/exec-policy/v1"


def fresh(sample):
    """The number of a fresh sample; None where it is stale or missing: that is not zero."""
    return sample["value"] if sample["kind"] == "value" else None


def in_flight(tick):
    """Requests in the pool, or None when no replica and no gateway said."""
    samples = [replica["samples"][name] for replica in tick["replicas"] for name in ("waiting", "running")]
    if tick["gateway"] is not None:
        samples.append(tick["gateway"]["queued"])
    known = [value for value in map(fresh, samples) if value is not None]
    return sum(known) if known else None


class QueuePolicy:
    def __init__(self, per_replica, hold_seconds):
        self.per_replica = per_replica
        self.hold_seconds = hold_seconds
        self.wanted = []  # (time, replicas) within the hold

    def decide(self, tick):
        load = in_flight(tick)
        if load is None:
            return {"replicas": None, "because": "nothing is known of the load"}
        want = max(1, math.ceil(load / self.per_replica))
        self.wanted = [(at, size) for at, size in self.wanted if at > tick["now"] - self.hold_seconds]
        self.wanted.append((tick["now"], want))
        return {
            "replicas": max(size for _, size in self.wanted),
            "because": f"{load:g} requests in flight want {want}",
        }


def say(message):
    print(json.dumps(message), flush=True)  # without the flush the line stays in this process, and Forewarm waits


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--per-replica", type=float, default=30)
    parser.add_argument("--hold", type=float, default=300)
    parser.add_argument("--tick", type=float, default=15)
    options = parser.parse_args()

    hello = json.loads(sys.stdin.readline())
    if hello["protocol"] != PROTOCOL:
        sys.exit(f"this policy speaks {PROTOCOL}, Forewarm speaks {hello['protocol']}")
    say({"type": "hello", "protocol": PROTOCOL, "tickSeconds": options.tick})

    policy = QueuePolicy(options.per_replica, options.hold)
    for line in sys.stdin:  # ends when Forewarm closes our stdin: the run is over
        tick = json.loads(line)
        say({"type": "decision", "n": tick["n"], **policy.decide(tick)})


if __name__ == "__main__":
    main()
