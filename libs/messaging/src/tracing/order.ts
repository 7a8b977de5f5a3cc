import type { Hop } from './trace.js';

interface Place {
  /** When it was sent, but not before its cause was: the clocks of two agents may differ by some ms. */
  readonly at: number;
  readonly depth: number;
}

/** Causes before what they caused, else by the time of sending; and the agents, in the order in which each first appeared. */
export function inOrder(hops: readonly Hop[]): { readonly hops: Hop[]; readonly path: string[] } {
  const places = placesOf(hops);
  const place = ({ messageId }: Hop): Place => places.get(messageId) ?? { at: 0, depth: 0 };
  const ordered = [...hops].sort(
    (a, b) => place(a).at - place(b).at || place(a).depth - place(b).depth || workOf(a, 0) - workOf(b, 0),
  );
  const appearances = ordered.flatMap((hop) => {
    const { at } = place(hop);
    const receivers = hop.attempts.map(({ agent, receivedAt, handledAt }) => ({
      agent,
      at: Math.max(at, (receivedAt ?? handledAt)?.getTime() ?? at),
    }));
    return [{ agent: hop.from, at }, ...receivers];
  });
  const path = new Set(appearances.sort((a, b) => a.at - b.at).map(({ agent }) => agent));
  return { hops: ordered, path: [...path] };
}

function placesOf(hops: readonly Hop[]): Map<string, Place> {
  const byId = new Map(hops.map((hop) => [hop.messageId, hop]));
  const places = new Map<string, Place>();
  for (const { messageId } of hops) {
    const chain: Hop[] = [];
    // Ids come from outside: causes may form a ring.
    const seen = new Set<string>();
    let next = byId.get(messageId);
    while (next && !places.has(next.messageId) && !seen.has(next.messageId)) {
      seen.add(next.messageId);
      chain.push(next);
      next = next.causationId === undefined ? undefined : byId.get(next.causationId);
    }
    for (const hop of chain.reverse()) {
      const cause = hop.causationId === undefined ? undefined : places.get(hop.causationId);
      places.set(hop.messageId, {
        at: Math.max(hop.sentAt.getTime(), cause?.at ?? 0),
        depth: cause ? cause.depth + 1 : 0,
      });
    }
  }
  return places;
}

const workOf = ({ receivedAt }: Hop, otherwise: number): number => receivedAt?.getTime() ?? otherwise;
