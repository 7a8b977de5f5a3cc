import { prepared } from 'agentmq/database';
import { agents, deregisterAgent, endAgents, forgetAgents, heartbeat, registerAgent, touchAgent } from './agents.js';
import { append, ownEntries } from './append.js';
import { claim } from './claim.js';
import { counts } from './counts.js';
import { keysOfMessages } from './message-keys.js';
import { discard } from './discard.js';
import { expire } from './expire.js';
import { factsOfDeliveries, factsOfEntries, factsOfMessage } from './facts.js';
import { figures } from './figures.js';
import { forget } from './forget.js';
import { deliveriesOf, isStored } from './history.js';
import { complete, fail, release, renew } from './held-claims.js';
import { forgetHops, hops, hopTrace, recordHops } from './hops.js';
import { leaseDue } from './lease-due.js';
import { record } from './message-columns.js';
import { nextDue, outboxSize, refusals } from './outbox-size.js';
import { reject } from './reject.js';
import { postpone, settle, split } from './settle.js';
import { deliveryHeads } from './search.js';
import { stuckEntries, stuckSenders } from './stuck.js';
import {
  addSubscriptions,
  endSubscription,
  endUndeclared,
  keepSubscriptions,
  lockSubscriptions,
  markUndeclared,
  subscriptions,
  topicsOf,
  unsubscribe,
} from './subscriptions.js';
import { takeBack } from './take-back.js';
import { takeOver } from './take-over.js';
import { trace } from './trace.js';
import { disown, elsewhere, rouse, unhandled, waitingForHandler } from './unhandled.js';

/** The statements, each built for one schema: names are qualified, so nothing depends on the session's search_path. */
export const statements = (schema: string) => ({
  append: prepared('append', append(schema, false)),
  appendKeyed: prepared('appendKeyed', append(schema, true)),
  ownEntries: ownEntries(schema),
  outboxSize: outboxSize(schema),
  nextDue: nextDue(schema),
  takeOver: takeOver(schema),
  refusals: refusals(schema),
  stuckSenders: stuckSenders(schema),
  stuckEntries: stuckEntries(schema),
  settle: prepared('settle', settle(schema), { lossy: true }),
  split: split(schema),
  postpone: postpone(schema),
  leaseDue: leaseDue(schema),
  record: record(schema, false),
  recordKeyed: record(schema, true),
  claim: prepared('claim', claim(schema)),
  renew: renew(schema),
  complete: prepared('complete', complete(schema)),
  fail: fail(schema),
  release: release(schema),
  reject: reject(schema),
  unhandled: unhandled(schema),
  elsewhere: elsewhere(schema),
  rouse: rouse(schema),
  waitingForHandler: waitingForHandler(schema),
  disown: disown(schema),
  lockSubscriptions: lockSubscriptions(schema),
  keepSubscriptions: keepSubscriptions(schema),
  endSubscription: endSubscription(schema),
  endUndeclared: endUndeclared(schema),
  markUndeclared: markUndeclared(schema),
  topicsOf: topicsOf(schema),
  subscriptions: subscriptions(schema),
  addSubscriptions: addSubscriptions(schema),
  unsubscribe: unsubscribe(schema),
  takeBack: takeBack(schema),
  trace: trace(schema),
  isStored: isStored(schema),
  deliveriesOf: deliveriesOf(schema),
  keysOfMessages: keysOfMessages(schema),
  deliveryHeads: deliveryHeads(schema),
  factsOfMessage: factsOfMessage(schema),
  factsOfEntries: factsOfEntries(schema),
  factsOfDeliveries: factsOfDeliveries(schema),
  counts: counts(schema),
  figures: figures(schema),
  discard: discard(schema),
  expire: expire(schema),
  forget: forget(schema),
  recordHops: prepared('recordHops', recordHops(schema), { lossy: true }),
  hops: hops(schema),
  hopTrace: hopTrace(schema),
  forgetHops: forgetHops(schema),
  registerAgent: registerAgent(schema),
  heartbeat: heartbeat(schema),
  deregisterAgent: deregisterAgent(schema),
  touchAgent: touchAgent(schema),
  agents: agents(schema),
  endAgents: endAgents(schema),
  forgetAgents: forgetAgents(schema),
});

export type Statements = ReturnType<typeof statements>;
