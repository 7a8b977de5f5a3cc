import { checkName, InvalidMessageError } from 'agentmq/protocol';
import { UnreadableError } from 'agentmq/settings';

/** Where a routing rule sends work. */
export type RoutingTarget = { readonly role: string } | { readonly agent: string } | { readonly capability: string };

/** Work for a capability that the pattern matches goes to the first target, or, when no agent there can do it, to the next. */
export interface RoutingRule {
  /** A capability, or a glob: `nlp_*`. */
  readonly pattern: string;
  readonly targets: readonly [RoutingTarget, ...RoutingTarget[]];
  /** The rule with the highest counts; 0 unless given. */
  readonly priority: number;
}

/** Reads `specialist` (a role), `role:specialist`, `agent:specialist-1` or `capability:nlp_*`. Throws `InvalidMessageError`. */
export function readRoutingTarget(text: string): RoutingTarget {
  const [, kind = 'role', name = ''] = /^(?:(role|agent|capability):)?(.*)$/s.exec(text) ?? [];
  if (kind === 'capability') return { capability: checkPattern(kind, name) };
  checkName(kind, name);
  return kind === 'agent' ? { agent: name } : { role: name };
}

const PATTERN = /^[A-Za-z0-9_*][A-Za-z0-9._*-]{0,127}$/;

/** Checks a capability or a glob of them. Throws `InvalidMessageError` naming `field`. */
export function checkPattern(field: string, glob: string): string {
  if (PATTERN.test(glob)) return glob;
  throw new InvalidMessageError(field, `"${glob}" is not 1-128 letters, digits, "_", "-", "." or "*"`);
}

const RULE = /^([^=]*)=([^@]*)(?:@(.*))?$/s;

/**
 * Reads `nlp_*=specialist,capability:text; price_*=pricing@10`: rules separated by `;`, each a pattern, its targets in order,
 * and its priority if it has one; spaces allowed; empty is none. Throws `UnreadableError` with a problem for each rule that is
 * wrong.
 */
export function readRoutingRules(text: string): RoutingRule[] {
  const rules: RoutingRule[] = [];
  const problems: string[] = [];
  for (const entry of text.split(';').map((part) => part.trim())) {
    if (entry === '') continue;
    try {
      rules.push(readRule(entry));
    } catch (error) {
      problems.push(`"${entry}": ${(error as Error).message}`);
    }
  }
  if (problems.length > 0) throw new UnreadableError(problems);
  return rules;
}

/** The text that {@link readRoutingRules} reads as these rules. */
export const writeRoutingRules = (rules: readonly RoutingRule[]): string =>
  rules
    .map(({ pattern, targets, priority }) => `${pattern}=${targets.map(targetText).join(',')}@${priority}`)
    .join('; ');

const targetText = (target: RoutingTarget): string => Object.entries(target).flat().join(':');

function readRule(entry: string): RoutingRule {
  const [, pattern, targets = '', priority = '0'] = RULE.exec(entry) ?? [];
  if (pattern === undefined) throw new Error('must be pattern=target, as in "nlp_*=specialist"');
  if (!/^\s*-?\d{1,9}\s*$/.test(priority)) throw new Error(`priority: "${priority.trim()}" is not a whole number`);
  const [first = '', ...others] = targets.split(',').map((part) => part.trim());
  return {
    pattern: checkPattern('pattern', pattern.trim()),
    targets: [readRoutingTarget(first), ...others.map(readRoutingTarget)],
    priority: Number(priority),
  };
}
