import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The state of one message at one consumer. */
@Entity('deliveries')
export class DeliveryEntity {
  @PrimaryColumn({ name: 'message_id', type: 'text' })
  readonly messageId!: string;

  @PrimaryColumn({ type: 'text' })
  readonly consumer!: string;

  @Column({ type: 'text' })
  readonly state!: string;

  @Column({ type: 'integer' })
  readonly attempt!: number;

  /** Attempts that failed, those that were cut off included; and these alone. */
  @Column({ type: 'smallint' })
  readonly failures!: number;

  @Column({ type: 'smallint' })
  readonly crashes!: number;

  @Column({ name: 'agent_id', type: 'text', nullable: true })
  readonly agentId!: string | null;

  /** Which copy of the message was claimed, '' for one that does not tell. */
  @Column({ type: 'text', nullable: true })
  readonly copy!: string | null;

  @Column({ name: 'leased_until', type: 'timestamptz', nullable: true })
  readonly leasedUntil!: Date | null;

  @Column({ name: 'due_at', type: 'timestamptz', nullable: true })
  readonly dueAt!: Date | null;

  /** When an instance without a handler received it first. While it is retrying: it waits for an instance with one. */
  @Column({ name: 'unhandled_since', type: 'timestamptz', nullable: true })
  readonly unhandledSince!: Date | null;

  /** The agent that got it then. */
  @Column({ name: 'forwarded_to', type: 'text', nullable: true })
  readonly forwardedTo!: string | null;

  /** What it was published to, of a message that was unhandled. */
  @Column({ type: 'text', nullable: true })
  readonly topic!: string | null;

  /** In place of the message's. */
  @Column({ name: 'expires_at', type: 'timestamptz', nullable: true })
  readonly expiresAt!: Date | null;

  @Column({ type: 'json', nullable: true })
  readonly error!: unknown;

  @Column({ type: 'json', array: true, nullable: true })
  readonly history!: unknown[] | null;

  @Column({ type: 'json', nullable: true })
  readonly discarded!: unknown;

  @Column({ name: 'received_at', type: 'timestamptz', nullable: true })
  readonly receivedAt!: Date | null;

  @Column({ name: 'finished_at', type: 'timestamptz', nullable: true })
  readonly finishedAt!: Date | null;
}
