import { Injectable } from '@nestjs/common';
import { AgentRegistry } from 'agentmq/agent';
import { contractKey, type DescribedContract, PayloadSchema } from 'agentmq/protocol';
import { UnknownTaskTypeError } from '../errors.js';
import { TypeStore } from '../store/type-store.js';
import type { TaskOptions } from '../task.js';
import type { DraftOptions } from '../draft.js';
import { Tasks } from './tasks.js';

/** A type of tasks that some live agent carries out. */
export interface TaskType extends DescribedContract {
  /** The agents that do, by their ids. */
  readonly agents: readonly string[];
}

export interface TaskOf extends Omit<TaskOptions, 'transaction'> {
  readonly type: string;
  /** The highest that an agent carries out unless given. */
  readonly version?: number | undefined;
  readonly payload: unknown;
}

export type SubmitChecked = (more: Pick<DraftOptions, 'id'> & Pick<TaskOptions, 'transaction'>) => Promise<string>;

/** The types of tasks that agents carry out now, for callers that have no class of them. */
@Injectable()
export class TaskTypes {
  private current: Promise<readonly TaskType[]> | undefined;
  /** By the contract and its schema. */
  private readonly compiled = new Map<string, Promise<PayloadSchema>>();

  constructor(
    private readonly registry: AgentRegistry,
    private readonly types: TypeStore,
    private readonly tasks: Tasks,
  ) {
    registry.events.subscribe(() => (this.current = undefined));
  }

  /** By type and version. Reads the store once after agents have come or gone. Rejects with `StoreUnavailableError`. */
  async known(): Promise<readonly TaskType[]> {
    this.current ??= this.read();
    const reading = this.current;
    try {
      return await reading;
    } catch (error) {
      if (this.current === reading) this.current = undefined;
      throw error;
    }
  }

  /** Of the highest version unless given. Rejects with {@link UnknownTaskTypeError}, or as {@link known} does. */
  async find(type: string, version?: number): Promise<TaskType> {
    const known = await this.known();
    const found = known.findLast((each) => each.type === type && each.version === (version ?? each.version));
    if (!found) throw new UnknownTaskTypeError(type, version, known);
    return found;
  }

  /**
   * Submits a task of a type that is known by its name alone. The payload is checked by the JSON Schema of the contract: a field
   * that the contract does not have is refused. Its other rules are checked by the agent, where the task then fails.
   * Rejects with {@link UnknownTaskTypeError}, `ContractViolationError` that names each wrong field, or as `Tasks.submit` does.
   */
  async submit(task: TaskOf & Pick<DraftOptions, 'id'>): Promise<string> {
    const { id } = task;
    return (await this.checked(task))({ id });
  }

  /**
   * Resolves with what submits the task, as {@link submit} does, also in a transaction: what the payload is checked by is read before
   * that begins. Rejects as {@link submit} does for what is wrong with the type or the payload.
   */
  async checked({ type, version, payload, ...options }: TaskOf): Promise<SubmitChecked> {
    const schema = await this.schemaOf(type, version);
    const written = schema.write(payload);
    return (more) => this.tasks.submitWritten(schema.contract, written, { ...options, ...more });
  }

  /** Rejects as {@link submit} does for what is wrong with the payload. */
  async check({ type, version, payload }: Pick<TaskOf, 'type' | 'version' | 'payload'>): Promise<void> {
    (await this.schemaOf(type, version)).write(payload);
  }

  private async read(): Promise<readonly TaskType[]> {
    const agents = new Map<string, string[]>();
    const types = new Set<string>();
    // one that is paused is alive too: its tasks wait for it, and no event tells of its pause
    const alive = this.registry
      .find({ health: 'any' })
      .filter(({ health }) => health === 'healthy' || health === 'suspect');
    for (const { id, handles } of alive)
      for (const contract of handles.filter(({ task }) => task)) {
        types.add(contract.type);
        const ids = agents.get(contractKey(contract));
        if (ids) ids.push(id);
        else agents.set(contractKey(contract), [id]);
      }
    const described = types.size > 0 ? await this.types.read([...types]) : [];
    return described.flatMap((contract) => {
      const ids = agents.get(contractKey(contract));
      return ids ? [{ ...contract, agents: ids.sort() }] : [];
    });
  }

  private async schemaOf(type: string, version?: number): Promise<PayloadSchema> {
    const { agents: _, ...contract } = await this.find(type, version);
    const key = JSON.stringify(contract);
    let schema = this.compiled.get(key);
    if (!schema) this.compiled.set(key, (schema = PayloadSchema.of(contract)));
    return schema;
  }
}
