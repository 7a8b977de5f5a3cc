import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What is still to be published: a message, or a copy of it for one consumer. */
@Entity('outbox')
export class OutboxEntity {
  @PrimaryColumn({ type: 'bigint' })
  readonly id!: string;

  @Column({ name: 'message_id', type: 'text' })
  readonly messageId!: string;

  /** Its consumer, or its message's recipient as `formatRecipient` writes it. */
  @Column({ type: 'text' })
  readonly target!: string;

  /** Of a retry or replay. */
  @Column({ type: 'text', nullable: true })
  readonly consumer!: string | null;

  /** When it may be taken; of a leased entry, when its lease runs out. */
  @Column({ name: 'due_at', type: 'timestamptz' })
  readonly dueAt!: Date;

  @Column({ type: 'integer' })
  readonly lease!: number;

  /** Was not due when it was opened, and was not leased yet. */
  @Column({ type: 'boolean' })
  readonly scheduled!: boolean;

  @Column({ name: 'leased_by', type: 'text', nullable: true })
  readonly leasedBy!: string | null;

  @Column({ name: 'last_error', type: 'text', nullable: true })
  readonly lastError!: string | null;
}
