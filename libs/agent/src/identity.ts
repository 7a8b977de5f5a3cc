import { randomBytes, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { ModulesContainer } from '@nestjs/core';
import { type AgentOptions, agentOptionsOf } from './decorators.js';
import { AgentDeclarationError } from './errors.js';
import type { AgentSettings } from './settings/settings.js';

/** How many messages an agent handles at once unless it declares another number. */
export const DEFAULT_CONCURRENCY = 64;

/** What this app is: the sum of its `@Agent` controllers. */
export class AgentIdentity {
  readonly id: string;
  readonly role: string;
  readonly capabilities: readonly string[];
  /** New with every start of the process. */
  readonly instance: string = randomUUID();
  readonly concurrency: number;
  readonly prefetch: number;

  /** Throws {@link AgentDeclarationError} when there is no `@Agent`, or two of different roles. */
  constructor(declarations: readonly AgentOptions[], settings: AgentSettings) {
    const roles = [...new Set(declarations.map(({ role }) => role))];
    const [role] = roles;
    if (role === undefined) throw new AgentDeclarationError('the app has no @Agent controller');
    if (roles.length > 1)
      throw new AgentDeclarationError(`one app is one agent, but these roles are declared: ${roles.join(', ')}`);
    this.role = role;
    this.id = settings.agentId || generateAgentId(role);
    this.capabilities = [...new Set(declarations.flatMap(({ capabilities }) => capabilities ?? []))];
    this.concurrency = most(declarations.map(({ concurrency }) => concurrency)) ?? DEFAULT_CONCURRENCY;
    this.prefetch = Math.max(
      this.concurrency,
      most(declarations.map(({ prefetch }) => prefetch)) ?? this.concurrency * 2,
    );
  }

  static of(modules: ModulesContainer, settings: AgentSettings): AgentIdentity {
    const controllers = [...modules.values()].flatMap((module) => [...module.controllers.values()]);
    const declarations = controllers.flatMap(({ metatype }) => (metatype && agentOptionsOf(metatype)) ?? []);
    return new AgentIdentity(declarations, settings);
  }
}

function most(numbers: readonly (number | undefined)[]): number | undefined {
  const given = numbers.filter((number) => number !== undefined);
  return given.length > 0 ? Math.max(...given) : undefined;
}

/** `worker-myhost-1f3a`: an id for an agent that was given none. */
const generateAgentId = (role: string): string =>
  `${role}-${hostname()
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .slice(0, 80)}-${randomBytes(3).toString('hex')}`;
