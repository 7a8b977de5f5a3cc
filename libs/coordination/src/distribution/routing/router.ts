import { Injectable } from '@nestjs/common';
import { AgentSettings, checkPattern, globMatcher, readRoutingTarget, type RoutingRule } from 'agentmq/agent';
import { InvalidMessageError } from 'agentmq/protocol';
import { InvalidRuleError, NoRouteError } from './errors.js';

export interface RuleOptions {
  /** A whole number; of the rules that match, the one with the highest counts. 0 unless given. */
  readonly priority?: number;
  /** Where it goes when no agent at the target can do it; in this order, written as the target is. */
  readonly fallbacks?: readonly string[];
}

interface Entry {
  readonly rule: RoutingRule;
  readonly matches: (capability: string) => boolean;
}

/**
 * Says where work for a capability goes, by rules. It begins with the rules of `ROUTING_RULES`; rules that are added or removed
 * hold from then on, in this process. Of the rules that match, the one of the highest priority counts, then the one with
 * more characters that are no `*`, then the one that was added first.
 */
@Injectable()
export class Router {
  /** By precedence. */
  private readonly entries: Entry[] = [];

  constructor({ coordination }: AgentSettings) {
    for (const rule of coordination.routingRules) this.enter(rule);
  }

  /** In the order in which they are tried. */
  get rules(): RoutingRule[] {
    return this.entries.map(({ rule }) => rule);
  }

  /**
   * From now on work for what matches the pattern (`nlp_*`) goes to the target: `specialist` or `role:specialist`,
   * `agent:specialist-1`, or `capability:text_*`. Throws {@link InvalidRuleError}.
   */
  addRule(pattern: string, target: string, { priority = 0, fallbacks = [] }: RuleOptions = {}): RoutingRule {
    if (!Number.isSafeInteger(priority)) throw new InvalidRuleError('priority', `${priority} is not a whole number`);
    const rule: RoutingRule = {
      pattern: asField('pattern', () => checkPattern('pattern', pattern)),
      targets: [
        asField('target', () => readRoutingTarget(target)),
        ...fallbacks.map((text, index) => asField(`fallbacks.${index}`, () => readRoutingTarget(text))),
      ],
      priority,
    };
    this.enter(rule);
    return rule;
  }

  /** From now on this rule, one of {@link rules}, does not count. Answers whether it did. */
  removeRule(rule: RoutingRule): boolean {
    const at = this.entries.findIndex((entry) => entry.rule === rule);
    if (at >= 0) this.entries.splice(at, 1);
    return at >= 0;
  }

  /** The rule that counts for a capability, if any matches. Work for a glob goes by the rules that match the glob as it is written. */
  find(capability: string): RoutingRule | undefined {
    return this.entries.find(({ matches }) => matches(capability))?.rule;
  }

  /** The rule that counts for a capability. Throws {@link NoRouteError} when none matches. */
  route(capability: string): RoutingRule {
    const rule = this.find(capability);
    if (!rule) throw new NoRouteError(capability);
    return rule;
  }

  private enter(rule: RoutingRule): void {
    const after = this.entries.findIndex((entry) => isBefore(rule, entry.rule));
    const entry = { rule, matches: globMatcher(rule.pattern) };
    this.entries.splice(after < 0 ? this.entries.length : after, 0, entry);
  }
}

const isBefore = (a: RoutingRule, b: RoutingRule): boolean =>
  a.priority === b.priority ? literalLength(a) > literalLength(b) : a.priority > b.priority;

const literalLength = ({ pattern }: RoutingRule): number => pattern.replaceAll('*', '').length;

function asField<T>(field: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof InvalidMessageError)) throw error;
    throw new InvalidRuleError(field, error.problem, { cause: error });
  }
}
