"""Who answered the fewest calls today gets the next one; who lets calls ring stands behind the others until he takes one.

Parameters: `misses`, after how many calls in a row that an agent did not take he stands behind (3 unless said).

State: by agent, how many calls in a row he did not take.
"""

import json

from wit_world import exports
from wit_world.exports.strategy import (
    Action_Offer,
    Action_Wait,
    Decision,
    Description,
    Happened_Accepted,
    Happened_Declined,
    Happened_TimedOut,
    Happened_Unreachable,
    Offer,
    Order,
    Question_Agent,
    Wait,
)

# Agents that the state has room for: it may have 4,096 octets.
MAX_AGENTS = 50

PARAMETERS = {
    "type": "object",
    "properties": {"misses": {"type": "integer", "minimum": 1}},
    "additionalProperties": False,
}


class Strategy(exports.Strategy):
    def describe(self):
        return Description(name="fewest-calls", version="1.0.0", order=Order.FEWEST_CALLS, parameters=json.dumps(PARAMETERS))

    def decide(self, snapshot, parameters):
        most = json.loads(parameters).get("misses", 3)
        missed = read(snapshot.state)
        question = snapshot.question
        if isinstance(question, Question_Agent):
            # A call came, and several agents are free.
            call, candidates = question.value.call, question.value.candidates
            lowest = min((c.level for c in candidates), default=None)
            eligible = [c for c in candidates if c.level == lowest]
            if not eligible:
                return nobody()
            # Of equals the first one.
            best = min(eligible, key=lambda c: (missed.get(c.agent, 0) >= most, c.calls_today))
            reason = f"{best.calls_today} calls today, fewest of {len(eligible)}"
            return offer(call.id, best.agent, reason, [-c.calls_today for c in candidates])
        # An agent became free, and several calls wait.
        agent, calls = question.value.agent, question.value.calls
        if not calls:
            return nobody()
        reason = f"first of {len(calls)}, waited {calls[0].waited_ms} ms"
        return offer(calls[0].id, agent.agent, reason, [])

    def told(self, outcomes, state, parameters):
        missed = read(state)
        for outcome in outcomes:
            if isinstance(outcome.happened, Happened_Accepted):
                missed.pop(outcome.agent, None)
            elif isinstance(outcome.happened, (Happened_Declined, Happened_TimedOut, Happened_Unreachable)):
                missed[outcome.agent] = missed.get(outcome.agent, 0) + 1
        kept = dict(sorted(missed.items())[:MAX_AGENTS])
        new = json.dumps(kept, separators=(",", ":"), ensure_ascii=False)
        return new if new != state else None


def read(state):
    """A state that cannot be read is an empty one."""
    try:
        return json.loads(state or "{}")
    except ValueError:
        return {}


def offer(call, agent, reason, scores):
    return Decision(Action_Offer(Offer(call, agent, None)), reason, scores, None)


def nobody():
    return Decision(Action_Wait(Wait(None)), "nobody to choose", [], None)
