import { attempts } from './attempts.js';
import { catchingUp } from './catching-up.js';
import { deadLetters } from './dead-letters.js';
import type { Harness } from './harness.js';
import { hops } from './hops.js';
import { moving } from './moving.js';
import { oddData } from './odd-data.js';
import { outbox } from './outbox.js';
import { owed } from './owed.js';
import { reading } from './reading.js';
import { receiving } from './receiving.js';
import { registry } from './registry.js';
import { replaying } from './replaying.js';
import { retention } from './retention.js';
import { schema } from './schema.js';
import { sending } from './sending.js';
import { transactions } from './transactions.js';
import { unhandled } from './unhandled.js';

/** What every message store promises. */
export function messageStoreSuite(of: () => Harness): void {
  schema(of);
  sending(of);
  owed(of);
  outbox(of);
  receiving(of);
  attempts(of);
  transactions(of);
  unhandled(of);
  oddData(of);
  reading(of);
  replaying(of);
  catchingUp(of);
  moving(of);
  deadLetters(of);
  retention(of);
  hops(of);
  registry(of);
}
