import { Injectable } from '@nestjs/common';
import {
  AgentClient,
  AgentRegistry,
  AgentSettings,
  type RegisteredAgent,
  type TypedRequestOptions,
} from 'agentmq/agent';
import { AgentMQError, type PayloadClass } from 'agentmq/protocol';
import pRetry from 'p-retry';
import { DEFAULT_STRATEGY, Strategies } from './balancing/strategies.js';
import type { Candidate, Strategy, Work } from './balancing/strategy.js';
import { CircuitBreakers } from './breaker/circuit-breakers.js';
import { CircuitOpenError } from './breaker/errors.js';
import { NoRouteError } from './routing/errors.js';
import { Router } from './routing/router.js';
import { Calls } from './calls.js';
import { choicesFor, type Destination, destinationName, destinationProblem } from './destination.js';
import { InvalidDistributionError, NoAbleAgentError } from './errors.js';

export interface AbleOptions {
  /** Instances that are known to be lost. */
  readonly except?: ReadonlySet<string>;
  /** How long to wait for an able agent to appear, in ms; 15,000 unless given. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

export interface DistributedRequestOptions<Answer extends object> extends TypedRequestOptions<Answer> {
  /** How the agent is chosen, of `Strategies`; `least-loaded` unless given. */
  readonly strategy?: string;
  /** With `consistent-hash`: requests of the same key go to the same agent, as long as it can answer. */
  readonly key?: string;
  /**
   * How many different agents are asked, 1 or more; 2 unless given. One that did not answer may have done its work all the
   * same, so what must not be done twice needs 1, or agents that notice.
   */
  readonly attempts?: number;
  /** How long one agent may take before another is asked, in ms; as long as there is time (`timeout`) unless given. */
  readonly attemptTimeout?: number;
  /** Asked when no other agent is left: one more attempt, whatever `attempts` says. */
  readonly backup?: Destination;
  /** How long to wait for an able agent to appear, in ms; 15,000 unless given, and no longer than `timeout`. */
  readonly patience?: number;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_PATIENCE_MS = 15_000;
const DEFAULT_ATTEMPTS = 2;
/** For the answers of an agent that stops: they come when its handlers have ended, at the latest after its own time for that. */
const DRAIN_MARGIN_MS = 1_000;

/** Gives requests to able agents, and to another one when an agent fails. */
@Injectable()
export class Distribution {
  private readonly calls: Calls;
  /** By name and destination. */
  private readonly strategiesInUse = new Map<string, Strategy>();

  constructor(
    private readonly agents: AgentClient,
    private readonly router: Router,
    private readonly strategies: Strategies,
    private readonly breakers: CircuitBreakers,
    registry: AgentRegistry,
    { shutdownTimeout }: AgentSettings,
  ) {
    this.calls = new Calls(registry.events, shutdownTimeout + DRAIN_MARGIN_MS);
  }

  /**
   * The least loaded healthy agent of a destination, by the routing rules if it is a capability. Rejects with
   * {@link NoAbleAgentError} when none appears in time, or {@link NoRouteError} when there are rules, none matches, and no
   * agent declares the capability.
   */
  async findAble(
    to: Destination,
    { except, timeout = DEFAULT_PATIENCE_MS, signal }: AbleOptions = {},
  ): Promise<RegisteredAgent> {
    const find = () =>
      choicesFor(to, this.agents, this.router)
        .flat()
        .find(({ instance }) => !except?.has(instance));
    return this.patiently(find, to, timeout, signal);
  }

  /**
   * Asks an able agent, chosen by the strategy, and resolves with its answer. One whose circuit is open is passed over. When
   * one fails for a reason that may pass (`retryable`), is lost or too slow, another is asked, while there is time.
   * Within `timeout` (30,000 ms unless given) rejects with the last agent's error, as `AgentClient.request` does or with
   * `AgentLostError`; with `CircuitOpenError` when nothing but open circuits is left; as {@link findAble} does; with the
   * signal's reason; with `UnknownStrategyError` or `InvalidDistributionError` for options that can't be.
   */
  async request<P extends object, Answer extends object>(
    to: Destination,
    contract: PayloadClass<P>,
    payload: P,
    options: DistributedRequestOptions<Answer> & { readonly answer: PayloadClass<Answer> },
  ): Promise<Answer>;
  async request<P extends object>(
    to: Destination,
    contract: PayloadClass<P>,
    payload: P,
    options?: DistributedRequestOptions<object>,
  ): Promise<unknown>;
  async request<P extends object>(
    to: Destination,
    contract: PayloadClass<P>,
    payload: P,
    options: DistributedRequestOptions<object> = {},
  ): Promise<unknown> {
    const { strategy, key, attempts, attemptTimeout, backup, patience, timeout, ...rest } = checked(options);
    checkDestination('to', to);
    if (backup !== undefined) checkDestination('backup', backup);
    const { signal } = rest;
    const end = performance.now() + timeout;
    const strategyOf = (destination: Destination) => this.strategyFor(destination, strategy);
    strategyOf(to);
    const work = {
      ...('capability' in to ? { capability: to.capability } : {}),
      ...(key === undefined ? {} : { key }),
    };
    const failed = new Set<string>();
    const next = (attempt: number, refusing = false): RegisteredAgent | undefined =>
      [...(attempt <= attempts ? [to] : []), ...(backup && attempt <= attempts + 1 ? [backup] : [])]
        .map((destination) => this.choose(destination, strategyOf(destination), work, failed, refusing))
        .find((agent) => agent !== undefined);
    const first = () => next(1) ?? next(1, true);
    let agent = first() ?? (await this.patiently(first, to, Math.min(patience, timeout), signal));
    for (let attempt = 1; ;) {
      const remaining = Math.max(1, Math.ceil(end - performance.now()));
      const limits = { ...rest, timeout: Math.min(attemptTimeout, remaining) };
      try {
        return await this.ask(agent, contract, payload, limits);
      } catch (error) {
        const isWorthAnother = error instanceof AgentMQError && error.retryable && !signal?.aborted;
        if (!isWorthAnother || performance.now() >= end) throw error;
        failed.add(agent.instance);
        // Nothing was sent to one that refuses.
        if (!(error instanceof CircuitOpenError)) attempt++;
        const another = next(attempt);
        if (!another) throw error;
        agent = another;
      }
    }
  }

  private ask<P extends object>(
    agent: RegisteredAgent,
    contract: PayloadClass<P>,
    payload: P,
    { signal, ...options }: TypedRequestOptions<object> & { readonly timeout: number },
  ): Promise<unknown> {
    return this.calls.run(agent, (lost) => {
      const ended = signal ? AbortSignal.any([signal, lost]) : lost;
      const send = () => this.agents.request({ agent: agent.id }, contract, payload, { ...options, signal: ended });
      return this.breakers.run(agent, send, { signal, timeout: options.timeout });
    });
  }

  /** An agent of the first choices of which any are left; `refusing`: of the agents whose circuits are open. */
  private choose(
    to: Destination,
    strategy: Strategy,
    work: Work,
    failed: ReadonlySet<string>,
    refusing: boolean,
  ): RegisteredAgent | undefined {
    for (const agents of choicesFor(to, this.agents, this.router)) {
      const left = agents.filter(({ id, instance }) => !failed.has(instance) && this.breakers.isOpen(id) === refusing);
      const [first, ...others] = left.map((agent): Candidate => ({ ...agent, inFlight: this.calls.inFlight(agent) }));
      if (!first) continue;
      const chosen = strategy.choose([first, ...others], work);
      return left.find(({ instance }) => instance === chosen.instance);
    }
    return undefined;
  }

  private strategyFor(to: Destination, name: string): Strategy {
    if ('agent' in to) return this.strategies.create(name);
    const place = `${name} ${destinationName(to)}`;
    const known = this.strategiesInUse.get(place) ?? this.strategies.create(name);
    this.strategiesInUse.set(place, known);
    return known;
  }

  private patiently(
    find: () => RegisteredAgent | undefined,
    to: Destination,
    patienceMs: number,
    signal: AbortSignal | undefined,
  ): Promise<RegisteredAgent> {
    const look = () => {
      const found = find();
      if (!found) throw this.noAgentFor(to);
      return found;
    };
    return pRetry(look, {
      retries: Infinity,
      minTimeout: 50,
      maxTimeout: 1_000,
      maxRetryTime: patienceMs,
      ...(signal ? { signal } : {}),
    });
  }

  private noAgentFor(to: Destination): AgentMQError {
    const isUnrouted =
      'capability' in to && this.router.rules.length > 0 && this.router.find(to.capability) === undefined;
    const isDeclared = () => this.agents.find({ ...to, health: ['healthy', 'suspect', 'dead'] }).length > 0;
    return isUnrouted && !isDeclared() ? new NoRouteError(to.capability) : new NoAbleAgentError(to);
  }
}

function checkDestination(field: string, to: Destination): void {
  const problem = destinationProblem(to);
  if (problem !== undefined) throw new InvalidDistributionError(field, problem);
}

/** The options with their defaults. */
function checked<Answer extends object>({
  strategy = DEFAULT_STRATEGY,
  attempts = DEFAULT_ATTEMPTS,
  timeout = DEFAULT_TIMEOUT_MS,
  attemptTimeout = timeout,
  patience = DEFAULT_PATIENCE_MS,
  ...rest
}: DistributedRequestOptions<Answer>) {
  const isWhole = Number.isSafeInteger(attempts) && attempts >= 1;
  if (!isWhole) throw new InvalidDistributionError('attempts', `${attempts} is not a whole number from 1`);
  for (const [field, value] of Object.entries({ timeout, attemptTimeout })) {
    if (!(value > 0)) throw new InvalidDistributionError(field, `${value} is no time in ms`);
  }
  if (!(patience >= 0)) throw new InvalidDistributionError('patience', `${patience} is no time in ms`);
  return { ...rest, strategy, attempts, timeout, attemptTimeout, patience };
}
