// Who answered the fewest calls today gets the next one. The switch has this built in; here it is to be read.

export const strategy = {
  describe() {
    return {
      name: "fewest-calls",
      version: "1.0.0",
      order: "fewest-calls",
      parameters: '{"type":"object","additionalProperties":false}',
    };
  },

  decide(snapshot, _parameters) {
    const { tag, val } = snapshot.question;
    if (tag === "agent") {
      const { call, candidates } = val;
      const lowest = Math.min(...candidates.map((c) => c.level));
      const eligible = candidates.filter((c) => c.level === lowest);
      if (eligible.length === 0) return nobody();
      // Of equals the first one.
      const best = eligible.reduce((best, c) => (c.callsToday < best.callsToday ? c : best));
      const reason = `${best.callsToday} calls today, fewest of ${eligible.length}`;
      return offer(call.id, best.agent, reason, candidates.map((c) => BigInt(-c.callsToday)));
    }
    const { agent, calls } = val;
    if (calls.length === 0) return nobody();
    const reason = `first of ${calls.length}, waited ${calls[0].waitedMs} ms`;
    return offer(calls[0].id, agent.agent, reason, []);
  },

  told(_outcomes, _state, _parameters) {
    return undefined;
  },
};

function offer(call, agent, reason, scores) {
  return { action: { tag: "offer", val: { call, agent, ringMs: undefined } }, reason, scores, state: undefined };
}

function nobody() {
  return { action: { tag: "wait", val: { atMostMs: undefined } }, reason: "nobody to choose", scores: [], state: undefined };
}
