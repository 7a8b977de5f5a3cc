import { AsyncResource } from 'node:async_hooks';
import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { AgentIdentity, AgentRegistry, AgentServer, AgentSettings, NotAnAgentError } from 'agentmq/agent';
import { checkName, checkTopic, errorText, InvalidMessageError } from 'agentmq/protocol';
import { StoreUnavailableError } from 'agentmq/database';
import { BusStoppedError, type Listener, MessageBus } from 'agentmq/messaging';
import { Metrics } from 'agentmq/telemetry';
import { backoff, pause, within } from 'agentmq/time';
import { ElectionGroup, type JoinOptions } from './election-group.js';
import { capabilityOf, ElectionMessage, toElectionMessage, toMachineMessage, topicTo, topicToAll } from './messages.js';
import { ElectionStore } from './election-store.js';
import { AlreadyJoinedError } from './errors.js';
import type { ElectionRecord, MachineMessage } from './protocol.js';

const MAX_GROUP_NAME = 100;
/** How often one that joins before its agent listens looks whether it does, in ms. */
const READY_POLL_MS = 20;
/** How long leaving waits for the registry, in ms. */
const LEAVE_WITHIN_MS = 2_000;

/** Leaders for groups of agents: at most one for each group and term, and a new one when it fails. See docs/ELECTION.md. */
@Injectable()
export class Elections implements OnModuleDestroy {
  private readonly logger = new Logger('Elections');
  private readonly groups = new Map<string, ElectionGroup | undefined>();
  /** Instances that this process has known as healthy. */
  private readonly seenAlive = new Set<string>();
  private isEnding = false;
  /** Timers and callbacks are part of no message's handling, even if a handler joined. */
  private readonly apart = new AsyncResource('agentmq:elections');

  constructor(
    private readonly settings: AgentSettings,
    private readonly identity: AgentIdentity,
    private readonly server: AgentServer,
    private readonly registry: AgentRegistry,
    private readonly bus: MessageBus,
    private readonly record: ElectionStore,
    metrics: Metrics,
  ) {
    this.tell(metrics);
    server.stopping.addEventListener('abort', () => this.stop());
  }

  /**
   * Becomes a member of the group of this name (1-100 letters, digits, `_`, `-`, `.`), whose members elect a leader.
   * Resolves when this agent takes part. That waits until the agent's messages flow, and for a database or broker that
   * is away, so a hook of Nest's start (`onApplicationBootstrap`) must not await it.
   * Rejects with `InvalidMessageError` for the name, {@link AlreadyJoinedError}, `NotAnAgentError` in an app without
   * `@Agent`, or `BusStoppedError` when the agent stops. The
   * promise need not be awaited, nor its rejection handled: all but that of a stop is logged too.
   */
  join(group: string, options: JoinOptions = {}): Promise<ElectionGroup> {
    const joining = this.begin(group, options);
    joining.catch((error: unknown) => {
      if (!(error instanceof BusStoppedError)) this.logger.error(`${group} was not joined: ${errorText(error)}`);
    });
    return joining;
  }

  onModuleDestroy(): void {
    this.stop();
  }

  /** Of the groups that this process is a member of: the app's code names them, so they are few. */
  private tell(metrics: Metrics): void {
    const states = () => [...this.groups].flatMap(([group, joined]) => (joined ? [{ group, ...joined.state }] : []));
    metrics.sampled(
      {
        name: 'agentmq_election_leads',
        help: 'Whether this process leads a group that it is a member of (1) or not (0)',
        labelNames: ['group'],
      },
      () => states().map(({ group, isLeader }) => ({ labels: { group }, value: Number(isLeader) })),
    );
    metrics.sampled(
      {
        name: 'agentmq_election_term',
        help: 'The latest term of a group that this process knows of. Several processes tell the same: take max, not sum, over them',
        labelNames: ['group'],
      },
      () => states().map(({ group, term }) => ({ labels: { group }, value: term })),
    );
  }

  private async begin(group: string, options: JoinOptions): Promise<ElectionGroup> {
    checkName('group', group);
    if (group.length > MAX_GROUP_NAME)
      throw new InvalidMessageError('group', `"${group}" is longer than ${MAX_GROUP_NAME} characters`);
    checkTopic(topicTo(group, this.identity.id));
    if (this.identity.isClient) throw new NotAnAgentError(`the election group "${group}"`);
    if (this.groups.has(group)) throw new AlreadyJoinedError(group);
    this.groups.set(group, undefined);
    try {
      return await this.apart.runInAsyncScope(() => this.enter(group, options));
    } catch (error) {
      this.groups.delete(group);
      throw error;
    }
  }

  private async enter(group: string, options: JoinOptions): Promise<ElectionGroup> {
    const { id, instance } = this.identity;
    while (!this.server.isReady && !this.isEnding) await pause(READY_POLL_MS, this.server.stopping);
    const record = await this.load(group);
    let joined: ElectionGroup | undefined;
    const topics = [topicToAll(group), topicTo(group, id)];
    const listener = await this.bus.listen(topics, ElectionMessage, (message, { sender }) => {
      if (message.group === group && message.from === sender && this.isMember(message))
        joined?.step({ type: 'received', from: message.from, message: toMachineMessage(message) });
    });
    const capability = capabilityOf(group);
    try {
      await this.registry.addCapability(capability);
      if (this.isEnding) throw new BusStoppedError();
    } catch (error) {
      await listener.close();
      throw error;
    }
    const { coordination } = this.settings;
    const times = {
      heartbeat: coordination.leaderHeartbeatInterval,
      electionTimeout: coordination.electionTimeout,
      confirm: coordination.leaderElectionInterval,
    };
    const events = this.registry.events.subscribe(() => joined?.look());
    joined = new ElectionGroup(
      group,
      { id, instance },
      times,
      record,
      this.record,
      {
        members: () => this.membersOf(capability),
        speaks: () => this.server.isReady || this.isEnding,
        send: (to, message) => this.send(group, to, message),
        leave: async () => {
          events.unsubscribe();
          await this.leave(group, listener);
        },
      },
      options,
    );
    this.groups.set(group, joined);
    return joined;
  }

  /**
   * A suspect member is counted a little longer, but for what a process finds on record when it starts: of that, what has
   * been silent for as long as the dead are is of an earlier life of the group.
   */
  private membersOf(capability: string): string[] {
    const { agentTimeout } = this.settings.registry;
    const [self] = this.registry.find({ id: this.identity.id, health: 'any' });
    return this.registry
      .find({ capability, health: ['healthy', 'suspect'] })
      .filter(({ instance, health, heartbeatAt }) => {
        if (health === 'healthy') this.seenAlive.add(instance);
        const silent = self ? self.heartbeatAt.getTime() - heartbeatAt.getTime() : 0;
        return silent < agentTimeout || this.seenAlive.has(instance);
      })
      .map(({ id }) => id);
  }

  /**
   * A message counts only if its sender is on record as a member, however it is now, and not of an instance that has been
   * replaced. One that came lately, and whose announcement was missed, is known at its next message.
   */
  private isMember({ group, from, incarnation }: ElectionMessage): boolean {
    const [sender] = this.registry.find({ id: from, capability: capabilityOf(group), health: 'any' });
    if (!sender || incarnation > sender.incarnation) this.registry.lookAgain(from);
    return sender !== undefined && incarnation >= sender.incarnation;
  }

  private send(group: string, to: string | undefined, message: MachineMessage): void {
    const from = this.identity.id;
    const [self] = this.registry.find({ id: from, health: 'any' });
    const wire = toElectionMessage({ group, from, incarnation: self?.incarnation ?? 0 }, message);
    const topic = to === undefined ? topicToAll(group) : topicTo(group, to);
    try {
      this.bus.announce(topic, ElectionMessage, wire, { ttl: this.settings.coordination.electionTimeout });
    } catch (error) {
      this.logger.warn(`${group}: ${errorText(error)}`);
    }
  }

  private async load(group: string): Promise<ElectionRecord> {
    for (let attempt = 0; !this.isEnding; attempt++) {
      try {
        return await this.record.load(group, this.identity.id);
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) throw error;
        await pause(backoff(attempt), this.server.stopping);
      }
    }
    throw new BusStoppedError();
  }

  private async leave(group: string, listener: Listener): Promise<void> {
    this.groups.delete(group);
    // An agent that stops leaves the registry, and hears nothing more.
    if (this.isEnding) return;
    const report = (error: unknown): void => this.logger.warn(`${group}: ${errorText(error)}`);
    const told = this.registry.removeCapability(capabilityOf(group)).catch(report);
    await Promise.all([within(LEAVE_WITHIN_MS, told), listener.close().catch(report)]);
  }

  /** While messages can still be sent: the others need not wait to find out. */
  private stop(): void {
    this.isEnding = true;
    for (const group of this.groups.values()) void group?.leave();
  }
}
