import { randomBytes, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { ModulesContainer } from '@nestjs/core';
import type { FlowOptions } from 'agentmq/broker';
import { type AgentOptions, agentOptionsOf } from './decorators.js';
import type { AgentSettings } from './settings/settings.js';

/** How many messages an agent handles at once unless it declares another number. */
export const DEFAULT_CONCURRENCY = 64;

/**
 * What this app is: the sum of its `@Agent` controllers. They are one agent, whatever their roles. An app that has none only
 * sends and asks: it is a client.
 */
export class AgentIdentity implements Required<FlowOptions> {
  readonly id: string;
  /** In the order in which they are declared; none of a client. */
  readonly roles: readonly string[];
  readonly capabilities: readonly string[];
  /** New with every start of the process. */
  readonly instance: string = randomUUID();
  /** Of what is sent to the agent itself, and of tasks: the highest of its controllers'. */
  readonly concurrency: number;
  readonly prefetch: number;

  constructor(
    private readonly declarations: readonly AgentOptions[],
    settings: Pick<AgentSettings, 'agentId'>,
  ) {
    this.roles = [...new Set(declarations.map(({ role }) => role))];
    this.id = settings.agentId || generateAgentId(this.roles[0] ?? 'client');
    this.capabilities = [...new Set(declarations.flatMap(({ capabilities }) => capabilities ?? []))];
    const { concurrency, prefetch } = flowOf(declarations);
    this.concurrency = concurrency;
    this.prefetch = prefetch;
  }

  static of(modules: ModulesContainer, settings: AgentSettings): AgentIdentity {
    const controllers = [...modules.values()].flatMap((module) => [...module.controllers.values()]);
    const declarations = controllers.flatMap(({ metatype }) => (metatype && agentOptionsOf(metatype)) ?? []);
    return new AgentIdentity(declarations, settings);
  }

  /** It has no inbox, and is in no registry. */
  get isClient(): boolean {
    return this.roles.length === 0;
  }

  /** Of what is sent to a role: as its controllers declare it. */
  flowOf(role: string): Required<FlowOptions> {
    return flowOf(this.declarations.filter((declared) => declared.role === role));
  }
}

function flowOf(declarations: readonly AgentOptions[]): Required<FlowOptions> {
  const concurrency = most(declarations.map((declared) => declared.concurrency)) ?? DEFAULT_CONCURRENCY;
  const prefetch = most(declarations.map((declared) => declared.prefetch)) ?? concurrency * 2;
  return { concurrency, prefetch: Math.max(concurrency, prefetch) };
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
