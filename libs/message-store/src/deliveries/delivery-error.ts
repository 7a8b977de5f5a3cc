import { decode, encode } from '../messages/header-codec.js';
import type { DeliveryError } from './delivery.js';

/** An error for a `json` column: whatever its details hold. */
export const toJson = (error: DeliveryError): string => JSON.stringify(encode(error));

export const fromJson = (stored: unknown): DeliveryError | null =>
  stored === null ? null : (decode(stored) as DeliveryError);

/** Of a message whose time to live ended `when`: "before it was handled". */
export const expired = (when: string): string =>
  toJson({ name: 'MessageExpiredError', code: 'MESSAGE_EXPIRED', message: `expired ${when}`, retryable: false });

/** Of an attempt whose claimant died, or was silent for so long that it counts as dead. */
export const CUT_OFF = toJson({
  name: 'ClaimLostError',
  code: 'CLAIM_LOST',
  message: 'the process that handled it died, or did not renew its claim in time',
  retryable: true,
});

/** Of a message whose last attempt was cut off so. */
export const POISON = toJson({
  name: 'PoisonMessageError',
  code: 'POISON_MESSAGE',
  message: 'the last of its attempts was cut off: the process that handled it died, or did not renew its claim in time',
  retryable: false,
});

/** Of what was owed to an agent that is gone and never comes back under its id. */
export const RECIPIENT_GONE = toJson({
  name: 'RecipientGoneError',
  code: 'RECIPIENT_GONE',
  message: 'the agent was silent for too long, and its id was of that start alone: it never comes back',
  retryable: false,
});
