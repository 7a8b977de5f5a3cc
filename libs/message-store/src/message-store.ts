import type { Store } from './store.js';

/** The stores' methods under one name, for what is not cut by stores yet. */
export class MessageStore {
  readonly outbox: Store['outbox'];
  readonly replays: Store['replays'];

  constructor(private readonly store: Store) {
    this.outbox = store.outbox;
    this.replays = store.replays;
  }

  readonly append: Store['outbox']['append'] = (...given) => this.store.outbox.append(...given);
  readonly outboxSize: Store['outbox']['size'] = (...given) => this.store.outbox.size(...given);
  readonly refusals: Store['outbox']['refusals'] = (...given) => this.store.outbox.refusals(...given);
  readonly takeOver: Store['outbox']['takeOver'] = (...given) => this.store.outbox.takeOver(...given);
  readonly settle: Store['outbox']['settle'] = (...given) => this.store.outbox.settle(...given);
  readonly postpone: Store['outbox']['postpone'] = (...given) => this.store.outbox.postpone(...given);
  readonly split: Store['outbox']['split'] = (...given) => this.store.outbox.split(...given);
  readonly leaseDue: Store['outbox']['leaseDue'] = (...given) => this.store.outbox.leaseDue(...given);
  readonly record: Store['deliveries']['record'] = (...given) => this.store.deliveries.record(...given);
  readonly claim: Store['deliveries']['claim'] = (...given) => this.store.deliveries.claim(...given);
  readonly renew: Store['deliveries']['renew'] = (...given) => this.store.deliveries.renew(...given);
  readonly complete: Store['deliveries']['complete'] = (...given) => this.store.deliveries.complete(...given);
  readonly fail: Store['deliveries']['fail'] = (...given) => this.store.deliveries.fail(...given);
  readonly release: Store['deliveries']['release'] = (...given) => this.store.deliveries.release(...given);
  readonly reject: Store['deliveries']['reject'] = (...given) => this.store.deliveries.reject(...given);
  readonly takeBack: Store['deliveries']['takeBack'] = (...given) => this.store.deliveries.takeBack(...given);
  readonly unhandled: Store['unhandled']['decide'] = (...given) => this.store.unhandled.decide(...given);
  readonly elsewhere: Store['unhandled']['elsewhere'] = (...given) => this.store.unhandled.elsewhere(...given);
  readonly rouse: Store['unhandled']['rouse'] = (...given) => this.store.unhandled.rouse(...given);
  readonly waitingForHandler: Store['unhandled']['waiting'] = (...given) => this.store.unhandled.waiting(...given);
  readonly disown: Store['unhandled']['disown'] = (...given) => this.store.unhandled.disown(...given);
  readonly subscribe: Store['subscriptions']['subscribe'] = (...given) => this.store.subscriptions.subscribe(...given);
  readonly topics: Store['subscriptions']['topics'] = (...given) => this.store.subscriptions.topics(...given);
  readonly endUndeclared: Store['subscriptions']['endUndeclared'] = (...given) =>
    this.store.subscriptions.endUndeclared(...given);
  readonly find: Store['history']['find'] = (...given) => this.store.history.find(...given);
  readonly list: Store['history']['list'] = (...given) => this.store.history.list(...given);
  readonly replay: Store['replays']['replay'] = (...given) => this.store.replays.replay(...given);
  readonly discard: Store['replays']['discard'] = (...given) => this.store.replays.discard(...given);
  readonly expire: Store['retention']['expire'] = (...given) => this.store.retention.expire(...given);
  readonly forget: Store['retention']['forget'] = (...given) => this.store.retention.forget(...given);
  readonly recordHops: Store['hops']['record'] = (...given) => this.store.hops.record(...given);
  readonly hops: Store['hops']['read'] = (...given) => this.store.hops.read(...given);
  readonly hopTrace: Store['hops']['traceOf'] = (...given) => this.store.hops.traceOf(...given);
  readonly forgetHops: Store['hops']['forget'] = (...given) => this.store.hops.forget(...given);
  readonly agents: Store['agents']['read'] = (...given) => this.store.agents.read(...given);
  readonly transaction: Store['database']['transaction'] = (...given) => this.store.database.transaction(...given);
  readonly now: Store['database']['now'] = (...given) => this.store.database.now(...given);
  readonly ping: Store['database']['ping'] = (...given) => this.store.database.ping(...given);
}
