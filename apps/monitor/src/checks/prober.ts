import { Injectable } from '@nestjs/common';
import { AgentIdentity } from 'agentmq/agent';
import {
  AgentClient,
  AgentSettings,
  ContractViolationError,
  NoRecipientError,
  type RegisteredAgent,
  RemoteError,
  RequestTimeoutError,
} from 'agentmq';
import { QueueFullError } from 'agentmq/broker';
import { AgentProbe, AgentVitals, probeTopic, vitalsTopic } from 'agentmq/agent';
import { type Listener, MessageBus, untraced } from 'agentmq/messaging';
import type { ProbeOutcome } from './probe-record.js';

/** How long an agent may take, at most, to say past its inbox how it is, in ms. */
const LONGEST_VITALS_MS = 2_000;
/** A timer that is later than this was held up by this process itself, in ms. */
const PUNCTUAL_MS = 1_000;

/** Asks agents how they are: by their inboxes and, of those that do not answer, past them. */
@Injectable()
export class Prober {
  private readonly asked = new Map<string, (vitals: AgentVitals) => void>();

  constructor(
    private readonly settings: AgentSettings,
    private readonly identity: AgentIdentity,
    private readonly client: AgentClient,
    private readonly bus: MessageBus,
  ) {}

  /** Hears what agents say past their inboxes, until it is closed. */
  listen(): Promise<Listener> {
    return this.bus.listen([vitalsTopic(this.identity.id)], AgentVitals, (vitals) => {
      this.asked.get(vitals.agent)?.(vitals);
    });
  }

  /** Resolves with undefined when nothing is learned: this process can't ask, was itself held up, or another instance answered. Never rejects. */
  async probe(agent: RegisteredAgent, signal: AbortSignal): Promise<ProbeOutcome | undefined> {
    const { id, instance } = agent;
    const { probeTimeout } = this.settings.monitor;
    const begun = performance.now();
    // It does not read its inbox.
    if (agent.paused) return this.probePaused(agent, begun, signal);
    try {
      const options = { timeout: probeTimeout, signal, answer: AgentVitals };
      const vitals = await untraced(() =>
        this.client.request({ agent: id }, AgentProbe, { asker: this.identity.id }, options),
      );
      if (vitals.instance !== instance) return undefined;
      return { kind: 'answered', latencyMs: performance.now() - begun, ...stalledOf(vitals) };
    } catch (error) {
      // An agent that answers with an error answers.
      if (error instanceof RemoteError || error instanceof ContractViolationError)
        return { kind: 'answered', latencyMs: performance.now() - begun };
      if (!isUnanswered(error) || performance.now() - begun > probeTimeout + PUNCTUAL_MS) return undefined;
      const within = Math.min(LONGEST_VITALS_MS, probeTimeout);
      const vitals = await this.vitalsOf(id, within);
      const waitedMs = performance.now() - begun;
      if (signal.aborted || waitedMs > probeTimeout + within + PUNCTUAL_MS) return undefined;
      return { kind: 'late', waitedMs, ...(vitals?.instance === instance ? stalledOf(vitals) : {}) };
    }
  }

  private async probePaused(
    { id, instance }: RegisteredAgent,
    begun: number,
    signal: AbortSignal,
  ): Promise<ProbeOutcome | undefined> {
    const vitals = await this.vitalsOf(id, LONGEST_VITALS_MS);
    const waitedMs = performance.now() - begun;
    if (signal.aborted || waitedMs > LONGEST_VITALS_MS + PUNCTUAL_MS) return undefined;
    if (!vitals) return { kind: 'late', waitedMs };
    return vitals.instance === instance ? { kind: 'answered', latencyMs: waitedMs } : undefined;
  }

  private async vitalsOf(id: string, within: number): Promise<AgentVitals | undefined> {
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve) => {
        timer = setTimeout(() => resolve(undefined), within);
        this.asked.set(id, resolve);
        this.bus.announce(probeTopic(id), AgentProbe, { asker: this.identity.id }, { ttl: within });
      });
    } finally {
      clearTimeout(timer);
      this.asked.delete(id);
    }
  }
}

const isUnanswered = (error: unknown): boolean =>
  error instanceof RequestTimeoutError || error instanceof NoRecipientError || error instanceof QueueFullError;

const stalledOf = ({ stalled }: AgentVitals): { readonly stalledMs?: number } =>
  stalled === undefined ? {} : { stalledMs: stalled };
