import { Contract } from 'agentmq/protocol';
import { IsBoolean, IsInt, IsOptional, IsString } from 'class-validator';

/** The role that the numbered messages are sent to. */
export const ROLE = 'counter';
export const CONSUMER = `role.${ROLE}`;

/** The role of what lives beside the numbers, and the group in which it elects. */
export const NEIGHBOUR = 'neighbour';
export const GROUP = 'neighbours';

/** So many that no outage of a test uses them up: what ends dead here was given up too early. */
const PATIENT = { attempts: 40, delay: 200, factor: 2, maxDelay: 1_000 };

/** Handled by a handler that writes its effect by itself: it may do so twice. */
@Contract({ type: 'numbered', retry: PATIENT })
export class Numbered {
  @IsInt()
  n!: number;
}

/** Handled in a transaction: its effect is there exactly when it is completed. */
@Contract({ type: 'numbered_transactional', retry: PATIENT })
export class NumberedTransactional {
  @IsInt()
  n!: number;
}

/** How many attempts a message may cost its handler's process. */
export const FRAGILE_ATTEMPTS = 4;

/** A message that may kill the process that handles it. */
@Contract({ type: 'numbered_fragile', retry: { attempts: FRAGILE_ATTEMPTS, delay: 200, factor: 2, maxDelay: 1_000 } })
export class NumberedFragile {
  @IsInt()
  n!: number;

  @IsOptional()
  @IsBoolean()
  deadly?: boolean;
}

export const FAILING_DELAY_MS = 2_000;

/** Its handler fails the first time. */
@Contract({
  type: 'numbered_failing',
  retry: { attempts: 10, delay: FAILING_DELAY_MS, factor: 1, maxDelay: FAILING_DELAY_MS },
})
export class NumberedFailing {
  @IsInt()
  n!: number;
}

/** What troubles the system beside the numbers. */
@Contract({ type: 'harmful', retry: { attempts: 3, delay: 200, factor: 2, maxDelay: 1_000 } })
export class Harmful {
  @IsString()
  text!: string;
}

/** Published to `noise.*`. */
@Contract({ type: 'noise' })
export class Noise {
  @IsInt()
  n!: number;
}

export type Kind = 'mixed' | 'fragile' | 'failing';

/** The contract of a number: of the mixed ones every second is handled in a transaction. */
export function contractFor(kind: Kind, n: number): new () => { n: number } {
  if (kind === 'fragile') return NumberedFragile;
  if (kind === 'failing') return NumberedFailing;
  return n % 2 === 0 ? NumberedTransactional : Numbered;
}

/** The effects tables, and what writes to `deliveries` are noted: a schema beside the namespace's own. */
export const ledgerSchema = (namespace: string): string => `${namespace}_ledger`;
