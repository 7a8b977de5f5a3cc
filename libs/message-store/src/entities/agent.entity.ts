import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { AgentCircuit, AgentRecord, HandledContract } from '../agents/agent-record.js';

/** One agent of the registry. */
@Entity('agents')
export class AgentEntity implements AgentRecord {
  @PrimaryColumn({ type: 'text' })
  readonly id!: string;

  @Column({ type: 'text' })
  readonly role!: string;

  @Column({ type: 'text', array: true })
  readonly capabilities!: string[];

  @Column({ type: 'text' })
  readonly instance!: string;

  @Column({ type: 'integer' })
  readonly incarnation!: number;

  @Column({ type: 'integer' })
  readonly sequence!: number;

  @Column({ type: 'double precision' })
  readonly load!: number;

  @Column({ name: 'in_flight', type: 'integer' })
  readonly inFlight!: number;

  @Column({ type: 'integer' })
  readonly concurrency!: number;

  @Column({ type: 'json' })
  readonly circuits!: AgentCircuit[];

  @Column({ type: 'text' })
  readonly version!: string;

  /** Of the instance named in `handles_of`. */
  @Column({ type: 'json' })
  readonly handles!: HandledContract[];

  @Column({ name: 'handles_of', type: 'text', nullable: true })
  readonly handlesOf!: string | null;

  @Column({ type: 'boolean' })
  readonly stopped!: boolean;

  @Column({ name: 'registered_at', type: 'timestamptz' })
  readonly registeredAt!: Date;

  @Column({ name: 'heartbeat_at', type: 'timestamptz' })
  readonly heartbeatAt!: Date;
}
