import { shortened } from '../bounds.js';
import { InvalidMessageError } from '../errors.js';

/** What a message is sent to. */
export interface Recipient {
  readonly kind: 'role' | 'agent' | 'topic' | 'broadcast';
  /** The role, the agent id or the topic; empty for a broadcast. */
  readonly name: string;
}

const LONGEST_NAME = 128;
const identifier = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
/** `role.worker` or `agent.worker-1`. */
export const CONSUMER_NAME = /^(role|agent)\.[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const topicName = /^[^.*#\s]+(\.[^.*#\s]+)*$/;
const topicPattern = /^[^.\s]+(\.[^.\s]+)*$/;

/** Checks a role's or an agent's name. Throws {@link InvalidMessageError} naming `field`. */
export function checkName(field: string, name: string): string {
  if (!identifier.test(name)) {
    throw new InvalidMessageError(
      field,
      `"${shortened(name, LONGEST_NAME)}" is not 1-128 letters, digits, "_", "-" or "."`,
    );
  }
  return name;
}

/** Checks a topic to publish to: dot-separated words, no wildcard, at most 255 bytes. Throws {@link InvalidMessageError}. */
export function checkTopic(name: string): string {
  if (!topicName.test(name) || Buffer.byteLength(name) > 255) {
    throw new InvalidMessageError(
      'topic',
      `"${name}" is not dot-separated words of at most 255 bytes without wildcards`,
    );
  }
  return name;
}

/** Checks a subscription pattern: dot-separated words, `*` for one and `#` for any number. Throws {@link InvalidMessageError}. */
export function checkTopicPattern(name: string): string {
  const wild = name.split('.').some((word) => word.length > 1 && /[*#]/.test(word));
  if (!topicPattern.test(name) || wild || Buffer.byteLength(name) > 255) {
    throw new InvalidMessageError('pattern', `"${name}" is not dot-separated words, "*" and "#" of at most 255 bytes`);
  }
  return name;
}

export const toRole = (role: string): Recipient => ({ kind: 'role', name: checkName('role', role) });
export const toAgent = (id: string): Recipient => ({ kind: 'agent', name: checkName('agent', id) });
export const toTopic = (name: string): Recipient => ({ kind: 'topic', name: checkTopic(name) });
export const toEveryone: Recipient = { kind: 'broadcast', name: '' };

/** Whether any number of consumers get what is sent to it. */
export const isToMany = ({ kind }: Recipient): boolean => kind === 'topic' || kind === 'broadcast';

/** `role.worker`, `agent.worker-1`, `topic:market_data.AAPL` or `broadcast`: for people, logs and ids of consumers. */
export function formatRecipient({ kind, name }: Recipient): string {
  if (kind === 'broadcast') return 'broadcast';
  return kind === 'topic' ? `topic:${name}` : `${kind}.${name}`;
}

/** What `formatRecipient` wrote; undefined for any other text. */
export function parseRecipient(text: string): Recipient | undefined {
  if (text === 'broadcast') return toEveryone;
  const [, kind, name = ''] = /^(role|agent)\.(.+)$/s.exec(text) ?? /^(topic):(.+)$/s.exec(text) ?? [];
  return kind === undefined ? undefined : { kind: kind as Recipient['kind'], name };
}

/**
 * Whether an AMQP topic pattern matches a topic: `*` is exactly one word, `#` any number, none included
 * (RabbitMQ tutorial 5, "Topics").
 */
export const topicMatches = (pattern: string, name: string): boolean => wordsMatch(pattern.split('.'), name.split('.'));

/** Takes the words in order, and where they do not fit lets the last `#` have one word more. */
function wordsMatch(parts: readonly string[], words: readonly string[]): boolean {
  let part = 0;
  let word = 0;
  let afterAny = 0;
  let given = 0;
  while (word < words.length) {
    if (parts[part] === '#') {
      afterAny = ++part;
      given = word;
    } else if (part < parts.length && (parts[part] === '*' || parts[part] === words[word])) {
      part++;
      word++;
    } else if (afterAny > 0) {
      part = afterAny;
      word = ++given;
    } else {
      return false;
    }
  }
  while (parts[part] === '#') part++;
  return part === parts.length;
}
