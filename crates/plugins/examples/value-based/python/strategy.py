"""Value-based routing: who is worth more is served first, and valuable calls are spread evenly over the agents.

Parameters: `customers`, the text of a CSV with a line `number,value` for each; `usual`, the value of who is not among them (0
unless said); `patience_ms`, after which a call goes before all others whatever it is worth (one minute unless said).

State: what each agent had so far in value, and what he was asked to take. An offer counts when it is made; if the agent did
not take it, `told` takes it back.
"""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.strategy import (
    Action_Offer,
    Action_Wait,
    Decision,
    Description,
    Happened_Accepted,
    Happened_Ended,
    Offer,
    Order,
    Question_Agent,
    Wait,
)

# Agents, and offers, that the state has room for.
MAX_AGENTS = 64
MAX_ASKED = 20

PARAMETERS = {
    "type": "object",
    "properties": {
        "customers": {"type": "string"},
        "usual": {"type": "integer", "minimum": 0},
        "patience_ms": {"type": "integer", "minimum": 0},
    },
    "required": ["customers"],
    "additionalProperties": False,
}


class Strategy(exports.Strategy):
    def describe(self):
        return Description("value-based", "1.0.0", Order.LONGEST_IDLE, json.dumps(PARAMETERS))

    def decide(self, snapshot, parameters):
        parameters = json.loads(parameters)
        state = State(snapshot.state)
        question = snapshot.question.value
        if isinstance(snapshot.question, Question_Agent):
            value = values(parameters, [question.call])[0]
            return for_agent(state, question.call, value, question.candidates)
        worth = values(parameters, question.calls)
        return for_call(state, question.agent, question.calls, worth, parameters.get("patience_ms", 60_000))

    def told(self, outcomes, state, parameters):
        new = State(state)
        for outcome in outcomes:
            value = new.asked.pop(outcome.call, None)
            if value is not None and not isinstance(outcome.happened, (Happened_Accepted, Happened_Ended)):
                new.had[outcome.agent] = max(0, new.had.get(outcome.agent, 0) - value)
        new = new.write()
        return new if new != state else None


def for_agent(state, call, value, candidates):
    """Of the lowest level, who had the least value so far; of equals the first one."""
    lowest = min((c.level for c in candidates), default=None)
    eligible = [c for c in candidates if c.level == lowest]
    if not eligible:
        return nobody()
    agent = min(eligible, key=lambda c: state.of(c.agent))
    reason = f"worth {value}; had {state.of(agent.agent)} so far, least of {len(eligible)}"
    return offer(state, call, agent, value, reason, [-state.of(c.agent) for c in candidates])


def for_call(state, agent, calls, worth, patience):
    """The first call that has waited too long, or the one that is worth most; of equals the first one."""
    if not calls:
        return nobody()
    late = next((place for place, call in enumerate(calls) if call.waited_ms >= patience), None)
    place = worth.index(max(worth)) if late is None else late
    call, value = calls[place], worth[place]
    if late is None:
        reason = f"worth {value}, most of {len(calls)}"
    else:
        reason = f"waited {call.waited_ms} ms, worth {value}"
    return offer(state, call, agent, value, reason, worth)


def offer(state, call, agent, value, reason, scores):
    new = None
    # Who is worth nothing changes nothing.
    if value > 0:
        state.had[agent.agent] = state.of(agent.agent) + value
        state.asked[call.id] = value
        new = state.write()
    return Decision(Action_Offer(Offer(call.id, agent.agent, None)), reason, scores, new)


def nobody():
    return Decision(Action_Wait(Wait(None)), "nobody to choose", [], None)


def values(parameters, calls):
    """What the callers are worth, in one pass over the customers."""
    if not isinstance(parameters.get("customers"), str):
        raise Err("`customers` is missing")
    callers = [digits(call.caller) for call in calls]
    known = {}
    for line in parameters["customers"].splitlines():
        number, comma, value = line.partition(",")
        number = digits(number)
        # The heading has no digits.
        if not comma or not number or number not in callers:
            continue
        try:
            known[number] = int(value)
        except ValueError:
            raise Err(f"`{line}` has no value")
    return [known.get(caller, parameters.get("usual", 0)) for caller in callers]


def digits(number):
    """A number without what people write between its digits."""
    return "".join(c for c in number if c in "0123456789")


class State:
    """What the switch keeps for the queue. One that cannot be read is an empty one."""

    def __init__(self, text):
        try:
            state = json.loads(text or "{}")
        except ValueError:
            state = {}
        # By agent, the value that he was offered.
        self.had = state.get("had", {})
        # By call, what was counted for an offer of which nothing was told yet.
        self.asked = state.get("asked", {})

    def of(self, agent):
        return self.had.get(agent, 0)

    def write(self):
        """As text, without those for whom there is no room: the oldest offers, and the agents who had least."""
        for call in sorted(self.asked)[: max(0, len(self.asked) - MAX_ASKED)]:
            del self.asked[call]
        while len(self.had) > MAX_AGENTS:
            del self.had[min(sorted(self.had), key=self.had.get)]
        return json.dumps({"asked": self.asked, "had": self.had}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
