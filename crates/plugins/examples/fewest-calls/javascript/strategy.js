// Who answered the fewest calls today gets the next one; who lets calls ring stands behind the others until he takes one.
//
// Parameters: `misses`, after how many calls in a row that an agent did not take he stands behind (3 unless said).
//
// State: by agent, how many calls in a row he did not take.

// Agents that the state has room for: it may have 4,096 octets.
const MAX_AGENTS = 50;

const PARAMETERS = {
  type: "object",
  properties: { misses: { type: "integer", minimum: 1 } },
  additionalProperties: false,
};

export const strategy = {
  describe() {
    return { name: "fewest-calls", version: "1.0.0", order: "fewest-calls", parameters: JSON.stringify(PARAMETERS) };
  },

  decide(snapshot, parameters) {
    const { misses: most = 3 } = JSON.parse(parameters);
    const missed = read(snapshot.state);
    const { tag, val } = snapshot.question;
    if (tag === "agent") {
      // A call came, and several agents are free.
      const { call, candidates } = val;
      const lowest = Math.min(...candidates.map((c) => c.level));
      const eligible = candidates.filter((c) => c.level === lowest);
      if (eligible.length === 0) return nobody();
      const misses = (c) => Number((missed.get(c.agent) ?? 0) >= most);
      const before = (a, b) => misses(a) - misses(b) || a.callsToday - b.callsToday;
      // Of equals the first one.
      const best = eligible.reduce((best, c) => (before(c, best) < 0 ? c : best));
      const reason = `${best.callsToday} calls today, fewest of ${eligible.length}`;
      return offer(call.id, best.agent, reason, candidates.map((c) => BigInt(-c.callsToday)));
    }
    // An agent became free, and several calls wait.
    const { agent, calls } = val;
    if (calls.length === 0) return nobody();
    const reason = `first of ${calls.length}, waited ${calls[0].waitedMs} ms`;
    return offer(calls[0].id, agent.agent, reason, []);
  },

  told(outcomes, state, _parameters) {
    const missed = read(state);
    for (const { agent, happened } of outcomes) {
      if (happened.tag === "accepted") missed.delete(agent);
      else if (["declined", "timed-out", "unreachable"].includes(happened.tag)) {
        missed.set(agent, (missed.get(agent) ?? 0) + 1);
      }
    }
    const kept = [...missed].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, MAX_AGENTS);
    const text = JSON.stringify(Object.fromEntries(kept));
    return text === state ? undefined : text;
  },
};

// A state that cannot be read is an empty one.
function read(state) {
  try {
    return new Map(Object.entries(JSON.parse(state ?? "{}")));
  } catch {
    return new Map();
  }
}

function offer(call, agent, reason, scores) {
  return { action: { tag: "offer", val: { call, agent, ringMs: undefined } }, reason, scores, state: undefined };
}

function nobody() {
  return { action: { tag: "wait", val: { atMostMs: undefined } }, reason: "nobody to choose", scores: [], state: undefined };
}
