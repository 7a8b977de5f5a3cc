import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What a consumer is owed: what is published to topics that the pattern matches, or, if it is empty, to all. */
@Entity('subscriptions')
export class SubscriptionEntity {
  @PrimaryColumn({ type: 'text' })
  readonly consumer!: string;

  @PrimaryColumn({ type: 'text' })
  readonly pattern!: string;

  /** See `topicExpression`. */
  @Column({ type: 'text' })
  readonly expression!: string;

  @Column({ type: 'timestamptz' })
  readonly since!: Date;

  /** Since when its role has had live instances of which none declares it. */
  @Column({ name: 'undeclared_since', type: 'timestamptz', nullable: true })
  readonly undeclaredSince!: Date | null;

  /** When the agent that it belongs to was forgotten. */
  @Column({ name: 'orphaned_at', type: 'timestamptz', nullable: true })
  readonly orphanedAt!: Date | null;
}
