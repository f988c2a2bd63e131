"""Who answered the fewest calls today gets the next one. The switch has this built in; here it is to be read."""

from wit_world import exports
from wit_world.exports.strategy import (
    Action_Offer,
    Action_Wait,
    Decision,
    Description,
    Offer,
    Order,
    Question_Agent,
    Wait,
)


class Strategy(exports.Strategy):
    def describe(self):
        return Description(
            name="fewest-calls",
            version="1.0.0",
            order=Order.FEWEST_CALLS,
            parameters='{"type":"object","additionalProperties":false}',
        )

    def decide(self, snapshot, parameters):
        question = snapshot.question
        if isinstance(question, Question_Agent):
            call, candidates = question.value.call, question.value.candidates
            lowest = min((c.level for c in candidates), default=None)
            eligible = [c for c in candidates if c.level == lowest]
            if not eligible:
                return nobody()
            # Of equals the first one.
            best = min(eligible, key=lambda c: c.calls_today)
            reason = f"{best.calls_today} calls today, fewest of {len(eligible)}"
            return offer(call.id, best.agent, reason, [-c.calls_today for c in candidates])
        agent, calls = question.value.agent, question.value.calls
        if not calls:
            return nobody()
        reason = f"first of {len(calls)}, waited {calls[0].waited_ms} ms"
        return offer(calls[0].id, agent.agent, reason, [])

    def told(self, outcomes, state, parameters):
        return None


def offer(call, agent, reason, scores):
    return Decision(Action_Offer(Offer(call, agent, None)), reason, scores, None)


def nobody():
    return Decision(Action_Wait(Wait(None)), "nobody to choose", [], None)
