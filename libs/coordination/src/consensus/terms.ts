import { checkName } from 'agentmq/protocol';
import { VOTING_RULES, type VotingRule } from './messages.js';
import { InvalidProposalError } from './errors.js';
import type { Motion, VotingOptions } from './proposal.js';
import type { Elector, VotingTerms } from './tally.js';

const MAX_SUBJECT = 1_000;
const MAX_ELECTORS = 1_000;
const LONGEST_TIMEOUT_MS = 2_592_000_000;

/** A vote as it is to be held. */
export interface Draft extends VotingTerms {
  readonly subject: string;
  readonly content: object | null;
  /** In ms. */
  readonly timeout: number;
}

/** Checks what an author proposes, to electors that are known by now. Throws {@link InvalidProposalError} naming the field. */
export function proposalDraftOf(
  { subject, content }: Motion,
  electors: readonly string[],
  { rule = 'majority', weights, quorum, timeout }: Omit<VotingOptions, 'electorate'>,
  defaultTimeout: number,
): Draft {
  check(
    'subject',
    typeof subject === 'string' && subject.length >= 1 && subject.length <= MAX_SUBJECT && !subject.includes('\0'),
    `must be a string of 1 to ${MAX_SUBJECT} characters without NUL`,
  );
  check('content', content === undefined || isPlainObject(content), 'must be an object of JSON');
  check('rule', VOTING_RULES.includes(rule), `must be one of ${VOTING_RULES.join(', ')}`);
  check(
    'quorum',
    quorum === undefined || (typeof quorum === 'number' && quorum >= 0 && quorum <= 1),
    `${String(quorum)} is not a number from 0 to 1`,
  );
  const ms = timeout ?? defaultTimeout;
  check(
    'timeout',
    Number.isInteger(ms) && ms >= 1 && ms <= LONGEST_TIMEOUT_MS,
    `${String(ms)} is not a whole number of ms from 1 to ${LONGEST_TIMEOUT_MS}`,
  );
  checkElectors(electors);
  return {
    subject,
    content: content ?? null,
    rule,
    ...(quorum === undefined ? {} : { quorum }),
    electorate: weighted(electors, rule, weights),
    timeout: ms,
  };
}

function checkElectors(electors: readonly string[]): void {
  check(
    'electorate',
    electors.length >= 1 && electors.length <= MAX_ELECTORS,
    `has ${electors.length} agents, not 1 to ${MAX_ELECTORS}`,
  );
  const seen = new Set<string>();
  for (const id of electors) {
    check('electorate', isAgentId(id), `"${id}" is no agent id`);
    check('electorate', !seen.has(id), `"${id}" is there twice`);
    seen.add(id);
  }
}

function weighted(electors: readonly string[], rule: VotingRule, weights: VotingOptions['weights']): Elector[] {
  check('weights', (rule === 'weighted') === (weights !== undefined), 'are for the rule weighted, which needs them');
  check('weights', weights === undefined || isPlainObject(weights), 'must be an object of weights by agent id');
  if (!weights) return electors.map((id) => ({ id, weight: 1 }));
  const given = new Map(Object.entries(weights));
  const electorate = electors.map((id) => {
    const weight = given.get(id);
    check('weights', weight !== undefined, `"${id}" has none`);
    check(
      'weights',
      Number.isInteger(weight) && weight >= 0,
      `${weight} of "${id}" is not a whole number of 0 or more`,
    );
    given.delete(id);
    return { id, weight };
  });
  const [stranger] = given.keys();
  check('weights', stranger === undefined, `"${stranger}" is not of the electorate`);
  const total = electorate.reduce((sum, { weight }) => sum + weight, 0);
  check('weights', total > 0 && total <= Number.MAX_SAFE_INTEGER / 2, `come to ${total}`);
  return electorate;
}

function check(field: string, holds: boolean, problem: string): asserts holds {
  if (!holds) throw new InvalidProposalError(field, problem);
}

function isAgentId(id: unknown): boolean {
  try {
    return typeof id === 'string' && checkName('agent', id) === id;
  } catch {
    return false;
  }
}

/** What JSON makes an object of, whole: cycles and bigints it has no text for. */
function isPlainObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  try {
    return (JSON.stringify(value) as string | undefined)?.startsWith('{') ?? false;
  } catch {
    return false;
  }
}
