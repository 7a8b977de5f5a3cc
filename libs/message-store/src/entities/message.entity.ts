import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { MessageRow } from '../messages/message-row.js';

/** A message, immutable. Written by the statements in `sql/`, read through this. */
@Entity('messages')
export class MessageEntity implements MessageRow {
  @PrimaryColumn({ name: 'message_id', type: 'text' })
  readonly messageId!: string;

  @Column({ type: 'text' })
  readonly sender!: string;

  @Column({ name: 'recipient_kind', type: 'text' })
  readonly recipientKind!: string;

  @Column({ type: 'text' })
  readonly recipient!: string;

  @Column({ name: 'correlation_id', type: 'text', nullable: true })
  readonly correlationId!: string | null;

  @Column({ name: 'causation_id', type: 'text', nullable: true })
  readonly causationId!: string | null;

  @Column({ name: 'sent_at', type: 'timestamptz' })
  readonly sentAt!: Date;

  @Column({ type: 'text' })
  readonly type!: string;

  @Column({ type: 'bigint' })
  readonly version!: string;

  @Column({ type: 'smallint' })
  readonly priority!: number;

  @Column({ name: 'ttl_ms', type: 'bigint', nullable: true })
  readonly ttlMs!: string | null;

  @Column({ name: 'deliver_at', type: 'timestamptz', nullable: true })
  readonly deliverAt!: Date | null;

  @Column({ name: 'expires_at', type: 'timestamptz', nullable: true })
  readonly expiresAt!: Date | null;

  @Column({ type: 'text', nullable: true })
  readonly traceparent!: string | null;

  @Column({ type: 'text', nullable: true })
  readonly tracestate!: string | null;

  /** Part of `traceparent`: the database fills it. */
  @Column({ name: 'trace_id', type: 'text', nullable: true, insert: false, update: false })
  readonly traceId!: string | null;

  @Column({ name: 'reply_to', type: 'text', nullable: true })
  readonly replyTo!: string | null;

  @Column({ type: 'boolean' })
  readonly transient!: boolean;

  @Column({ type: 'boolean' })
  readonly received!: boolean;

  @Column({ name: 'content_type', type: 'text' })
  readonly contentType!: string;

  @Column({ type: 'json', nullable: true })
  readonly headers!: unknown;

  @Column({ type: 'text' })
  readonly body!: string;

  @Column({ name: 'body_encoding', type: 'text' })
  readonly bodyEncoding!: string;

  @Column({ name: 'stored_at', type: 'timestamptz' })
  readonly storedAt!: Date;
}
